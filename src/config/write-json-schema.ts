import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { configJsonSchema, CONFIG_SCHEMA_URL } from './json-schema.ts';

mkdirSync(fileURLToPath(new URL('.', CONFIG_SCHEMA_URL)), { recursive: true });
writeFileSync(CONFIG_SCHEMA_URL, `${JSON.stringify(configJsonSchema(), null, 2)}\n`);
