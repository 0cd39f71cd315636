import { z } from 'zod';

/** `suite.json`, in the suite's folder. */
export const suiteSchema = z.strictObject({
  schema: z.literal('aqe-llm/suite@1'),
  name: z.string().regex(/^[\w.-]+$/, 'letters, digits, dots, dashes and underscores only'),
  description: z.string(),
  /** Ids of the tasks that `--quick` runs. */
  quick: z.array(z.string()).default([]),
});

export type SuiteFile = z.infer<typeof suiteSchema>;
