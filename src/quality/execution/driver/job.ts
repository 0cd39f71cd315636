import { z } from 'zod';

/** What earlier runs learned that mutant runs need; the driver reports it, and gets it back after a restart. */
export const baseSchema = z.object({
  /** Keys of the tests that passed in every rerun. */
  passed: z.array(z.string()),
  /** Per mutant reached: how often in one run, and by which tests; `all` when not by a test's own code. */
  reach: z.record(
    z.string(),
    z.object({ hits: z.number(), tests: z.union([z.literal('all'), z.array(z.string())]) }),
  ),
  snapshot: z.string().nullable(),
});
export type Base = z.infer<typeof baseSchema>;

/** How a run is looked at. Only `plain` and `coverage` runs decide whether a test passes. */
export type RunKind = 'coverage' | 'plain' | 'arguments';

/** What the driver is told on its standard input. */
export interface DriverJob {
  /** Marks the lines that are the driver's. */
  nonce: string;
  /** Code with istanbul's counters, and with every mutant behind a switch; bodies of CommonJS modules. */
  subject: { counted: string; switched: string };
  /** The bundled test file, the body of an async function. */
  test: string;
  testFileName: string;
  testTimeoutMs: number;
  mustCheck: boolean;
  /** Base runs to do, in order; not done when `base` is given. */
  runs: RunKind[];
  base: Base | null;
  /** Tests not to run: they did not end. */
  skip: string[];
  /** Tests that are known to check: an earlier process saw an expectation of theirs fail on a mutant. */
  checking: string[];
  /** Stryker's numbers of the mutants to switch on. */
  mutants: string[];
}

export const testStateSchema = z.enum(['passed', 'failed', 'timeout', 'skipped']);
export type TestState = z.infer<typeof testStateSchema>;

/** What the driver says, one JSON object a line behind the nonce. */
export const driverMessageSchema = z.discriminatedUnion('type', [
  /** The event loop turns. */
  z.object({ type: z.literal('alive') }),
  z.object({ type: z.literal('run'), index: z.number() }),
  /** The tests found, in order. */
  z.object({
    type: z.literal('found'),
    tests: z.array(z.object({ key: z.string(), name: z.string() })),
  }),
  z.object({ type: z.literal('not-loaded'), message: z.string() }),
  z.object({ type: z.literal('test'), key: z.string() }),
  z.object({
    type: z.literal('tested'),
    key: z.string(),
    state: testStateSchema,
    message: z.string().optional(),
    /** Coverage keys or boundary classes, as the run's kind has it. */
    touched: z.array(z.string()),
  }),
  /** A run's end. `loaded`: keys touched by loading the subject; `outside`: by neither it nor a test. */
  z.object({
    type: z.literal('ran'),
    loaded: z.array(z.string()),
    outside: z.array(z.string()),
    all: z.array(z.string()),
  }),
  z.object({ type: z.literal('base'), base: baseSchema }),
  z.object({ type: z.literal('mutant'), id: z.string() }),
  z.object({
    type: z.literal('mutated'),
    id: z.string(),
    state: z.enum(['killed', 'survived', 'no-coverage', 'timeout']),
    /** The tests that failed on it; not all that would have, once it is decided. */
    failed: z.array(z.string()),
    /** Those of them that failed by an expectation, and not by an error on the way to one. */
    unmet: z.array(z.string()),
  }),
  /** Tests that passed before the mutants and no longer do, on the unchanged subject. */
  z.object({ type: z.literal('unsteady'), keys: z.array(z.string()) }),
  z.object({ type: z.literal('done') }),
]);
export type DriverMessage = z.infer<typeof driverMessageSchema>;
