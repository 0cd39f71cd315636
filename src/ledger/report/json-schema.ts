import { z } from 'zod';
import { costReportSchema } from './result.ts';

export const COST_REPORT_SCHEMA_URL = new URL(
  '../../../schema/cost-report.schema.json',
  import.meta.url,
);

/** JSON Schema (2020-12) of what `cost-report --json` prints. */
export function costReportJsonSchema(): object {
  return z.toJSONSchema(costReportSchema);
}
