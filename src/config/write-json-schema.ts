import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import {
  configJsonSchema,
  CONFIG_SCHEMA_URL,
  pricesJsonSchema,
  PRICES_SCHEMA_URL,
} from './json-schema.ts';

mkdirSync(fileURLToPath(new URL('.', CONFIG_SCHEMA_URL)), { recursive: true });
for (const [url, schema] of [
  [CONFIG_SCHEMA_URL, configJsonSchema()],
  [PRICES_SCHEMA_URL, pricesJsonSchema()],
] as const) {
  writeFileSync(url, `${JSON.stringify(schema, null, 2)}\n`);
}
