import { z } from 'zod';
import { measuredBase, taskBase } from '../format.ts';

const line = z.int().min(1);

/** `task.json`, in a task's folder. */
export const taskSchema = taskBase.extend({
  /** Id of the test-generation task of the same suite whose module and tests are used. */
  of: z.string().min(1),
  /** The tests that are left out, as `suite > test`, titles as they are written. */
  deleted: z.array(z.string()).min(1),
});

const names = z.array(z.string());

/** `measured.json`, written by `baseline suite build`: what istanbul says the remaining tests leave out. */
export const measuredSchema = measuredBase.extend({
  /** Version of the instrumenter that counted. */
  instrumenter: z.string(),
  /** Lines in which a statement begins. */
  lines: z.strictObject({
    /** Some statement that begins there is run, and none is left out. */
    covered: z.array(line),
    /** Some are run and some are not. */
    partial: z.array(line),
    /** None is run. */
    uncovered: z.array(line),
  }),
  branches: z.strictObject({
    covered: names,
    uncovered: names,
    /** Not even all tests of the module take them: they are neither gaps nor errors. */
    unreachable: names,
  }),
  /** The first deleted test that takes an uncovered branch, and which. */
  proposal: z.strictObject({ branch: z.string(), test: z.string() }),
});

export type TaskFile = z.infer<typeof taskSchema>;
export type Measured = z.infer<typeof measuredSchema>;
