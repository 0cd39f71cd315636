import { z } from 'zod';

/**
 * What may differ from one run of the same tests to the next.
 * `order`: tests are shuffled. `leftover`: the file has run once before in the same process, on the same module.
 * `load`: the event loop comes late to timers. `clock`: the date, the time zone, and time passes while code runs.
 * `random`: `Math.random` and UUIDs. `iteration`: the order of what promises none. `host`: the machine around the test.
 */
export const DIMENSIONS = [
  'order',
  'leftover',
  'load',
  'clock',
  'random',
  'iteration',
  'host',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

export const perturbationSchema = z.strictObject({
  seed: z.int(),
  /** What this run varies by its seed. */
  vary: z.array(z.enum(DIMENSIONS)),
  /** The seed of what has to be drawn and does not vary. */
  still: z.int(),
});
export type Perturbation = z.infer<typeof perturbationSchema>;

/** What a run was like, as a test's history tells it. */
export const circumstancesSchema = z.strictObject({
  /** Names of the tests in the order in which they ran. */
  order: z.array(z.string()),
  leftover: z.boolean(),
  zone: z.string(),
  /** When it began, ISO 8601 in UTC, to the second. */
  startedAt: z.string(),
  /** Milliseconds it took, in the run's own time. */
  tookMs: z.int(),
});
export type Circumstances = z.infer<typeof circumstancesSchema>;
