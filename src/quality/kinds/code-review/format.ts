import { z } from 'zod';
import { measuredBase, taskBase } from '../format.ts';

const line = z.int().min(1);
/** First and last line. */
const range = z
  .tuple([line, line])
  .refine(([from, to]) => from <= to, 'the last line is before the first');

/** `task.json`, in a task's folder. */
export const taskSchema = taskBase.extend({
  /** File name of the module, in the same folder: the version without defects. */
  subject: z.string().regex(/^[\w.-]+\.ts$/, 'a TypeScript file name in the task’s own folder'),
  defects: z
    .array(
      z.strictObject({
        /** Lines of `defective.ts` that the defect stands in, or that what is missing stands between. */
        lines: range,
        kind: z.string().min(1),
        title: z.string().min(1),
        description: z.string().min(1),
        /** Name of the test in `proof.test.ts` that fails because of it. */
        proof: z.string().min(1),
      }),
    )
    .min(1),
});

/** `measured.json`, written by `baseline suite build`: where the hunks are, and what execution has shown. */
export const measuredSchema = measuredBase.extend({
  /** Lines of `defective.ts` that each hunk shows, and how many defects are in it. */
  hunks: z.array(z.strictObject({ lines: range, defects: z.int().min(0) })),
  /** For each defect: the tests that fail when the module has this defect and no other. */
  failing: z.array(z.array(z.string())),
});

export type TaskFile = z.infer<typeof taskSchema>;
export type Measured = z.infer<typeof measuredSchema>;
export type Defect = TaskFile['defects'][number];
/** First and last line. */
export type Lines = readonly [number, number];
