import { z } from 'zod';
import { measuredBase, taskBase } from '../format.ts';

/** `task.json`, in a task's folder. */
export const taskSchema = taskBase.extend({
  /** File name of the module under test, in the same folder. */
  subject: z
    .string()
    .regex(
      /^[\w.-]+\.[cm]?[jt]s$/,
      'a TypeScript or JavaScript file name in the task’s own folder',
    ),
});

const count = z.int().min(0);

/** `measured.json`, written by `baseline suite build`: what the reference tests earn, and the frozen mutants. */
export const measuredSchema = measuredBase.extend({
  /** Version of the instrumenter that named the mutants. */
  instrumenter: z.string(),
  /** What the reference covers; what loading the subject already covers is left out of both. */
  statements: z.strictObject({ covered: count, total: count }),
  branches: z.strictObject({ covered: count, total: count }),
  boundaryClasses: z.array(
    z.enum(['zero', 'minus-one', 'nan', 'null', 'empty-string', 'empty-array', 'max']),
  ),
  /** Mutants killed by the reference or by fuzzing. */
  mutants: z.array(
    z.strictObject({
      id: z.string(),
      mutator: z.string(),
      line: z.int().min(1),
      original: z.string(),
      replacement: z.string(),
      boundary: z.boolean(),
      killedBy: z.enum(['reference', 'fuzz']),
    }),
  ),
  /** Mutants that neither the reference nor fuzzing could tell from the subject. */
  equivalent: z.array(z.string()),
});

export type Measured = z.infer<typeof measuredSchema>;
export type TaskFile = z.infer<typeof taskSchema>;
