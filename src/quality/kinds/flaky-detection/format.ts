import { z } from 'zod';
import { circumstancesSchema } from '../../execution/perturbation.ts';
import { measuredBase, taskBase } from '../format.ts';
import { CAUSES } from './causes.ts';

const fileName = z
  .string()
  .regex(/^[\w.-]+\.ts$/, 'a TypeScript file name in the task’s own folder');
const cause = z.enum(CAUSES);

/** `task.json`, in a task's folder. */
export const taskSchema = taskBase.extend({
  /** The module that is tested. */
  subject: fileName,
  /** The test file that is judged. */
  spec: fileName,
  /** By a test's title: why it is flaky or, in a stable spec, why it would be without its guard. */
  causes: z.record(z.string(), cause),
  /** Whether a commit that broke the module stands in the history. */
  regression: z.boolean().default(true),
});

const count = z.int().min(0);
const failure = z.strictObject({ test: z.int().min(1), message: z.string() });

/** `measured.json`, written by `baseline suite build`: what reruns have shown. */
export const measuredSchema = measuredBase.extend({
  /** Version of the instrumenter that named the mutants. */
  instrumenter: z.string(),
  /** Runs of the spec, each with another seed, from 1. */
  reruns: count,
  /** The seed of what has to be drawn and does not vary, at which all tests pass. */
  still: z.int(),
  tests: z.array(
    z.strictObject({
      title: z.string(),
      cause: cause.nullable(),
      /** The seeds at which it failed. */
      failed: z.array(z.int()),
      /** What it said most often. */
      message: z.string().optional(),
      /**
       * Failures of the test that is flaky: this one, or in a stable spec the one without a guard. Of so many
       * reruns each, with everything varying, only what its cause needs, and everything else.
       */
      evidence: z.strictObject({ all: count, cause: count, others: count }).optional(),
      /** Mutants that it alone, or it and other flaky tests, can kill by what they assert. */
      guards: z.array(z.string()).optional(),
    }),
  ),
  /** Mutants that the sound tests of a flaky spec kill. */
  others: z.array(z.string()),
  /** The runs that a model is shown. */
  history: z.array(
    circumstancesSchema.omit({ order: true }).extend({
      commit: z.string(),
      /** Numbers of the tests, from 1, as they ran. */
      order: z.array(z.int().min(1)),
      failures: z.array(failure),
    }),
  ),
});

export type Measured = z.infer<typeof measuredSchema>;
export type TaskFile = z.infer<typeof taskSchema>;
export type HistoryRun = Measured['history'][number];
