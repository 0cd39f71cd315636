import { writeFileSync } from 'node:fs';
import { COST_REPORT_SCHEMA_URL, costReportJsonSchema } from './json-schema.ts';

writeFileSync(COST_REPORT_SCHEMA_URL, `${JSON.stringify(costReportJsonSchema(), null, 2)}\n`);
