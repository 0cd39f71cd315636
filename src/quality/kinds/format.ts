import { z } from 'zod';

/** What every `task.json` holds; each category extends it. */
export const taskBase = z.strictObject({
  id: z.string().regex(/^[\w.-]+$/, 'letters, digits, dots, dashes and underscores only'),
  title: z.string().min(1),
  complexity: z.enum(['simple', 'moderate', 'complex']),
  /** Tasks that share a source file share a cluster. */
  cluster: z.string().min(1),
});

/** What every `measured.json` holds; each category extends it. */
export const measuredBase = z.strictObject({
  schema: z.literal('aqe-llm/measured@1'),
  /** The task's fingerprint when it was measured. */
  subject: z.string(),
});

export type TaskFields = z.infer<typeof taskBase>;
export type MeasuredFields = z.infer<typeof measuredBase>;
