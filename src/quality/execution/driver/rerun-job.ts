import { z } from 'zod';
import { circumstancesSchema, type Perturbation } from '../perturbation.ts';

/** One run of the test file. */
export interface RerunItem {
  perturbation: Perturbation;
  /** Stryker's number of the mutant that is switched on. */
  mutant: string | null;
}

/** What the rerun driver is told on its standard input. */
export interface RerunDriverJob {
  /** Marks the lines that are the driver's. */
  nonce: string;
  /** Code with every mutant behind a switch; the body of a CommonJS module. */
  subject: string;
  /** The bundled test file, the body of an async function. */
  test: string;
  testFileName: string;
  /** Milliseconds of the run's own time that a test may take. */
  testTimeoutMs: number;
  /** A test that calls no `expect` fails. */
  requireAssertions: boolean;
  items: RerunItem[];
}

const failureSchema = z.object({
  /** A test's name; ` #2` follows for the second of the same name. */
  test: z.string(),
  message: z.string(),
});

export const rerunMessageSchema = z.discriminatedUnion('type', [
  /** The event loop turns. */
  z.object({ type: z.literal('alive') }),
  z.object({ type: z.literal('item'), index: z.number() }),
  z.object({
    type: z.literal('ran'),
    index: z.number(),
    circumstances: circumstancesSchema,
    /** Names of the tests that passed. */
    passed: z.array(z.string()),
    failures: z.array(failureSchema),
  }),
  z.object({ type: z.literal('not-loaded'), index: z.number(), message: z.string() }),
  z.object({ type: z.literal('done') }),
]);
export type RerunMessage = z.infer<typeof rerunMessageSchema>;
