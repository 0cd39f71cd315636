import { randomBytes } from 'node:crypto';
import type { Sandbox } from '../sandbox/sandbox.ts';
import {
  rerunMessageSchema,
  type RerunDriverJob,
  type RerunItem,
  type RerunMessage,
} from './driver/rerun-job.ts';
import { prepareSubject, SourceError, type PreparedSubject } from './instrument.ts';
import { describeExit, driverFailure, LIMITS } from './limits.ts';
import type { Circumstances, Perturbation } from './perturbation.ts';
import { loadProgram } from './program.ts';
import { bundleTest } from './test-bundle.ts';

/** A test file to run again and again on one subject. */
export interface RerunJob {
  subject: { fileName: string; source: string };
  test: { fileName: string; source: string };
  /** Further modules that the tests import, by what they import them by (`./lab`). */
  modules: Readonly<Record<string, string>>;
  runs: readonly RunSpec[];
  /** Milliseconds, in the runs' own time, that one test may take. */
  testTimeoutMs: number;
  /** A test that calls no `expect` fails. */
  requireAssertions: boolean;
}

/** One run, with a mutant switched on or none. */
export interface RunSpec {
  perturbation: Perturbation;
  /** A mutant's id. */
  mutant?: string;
}

export type Rerun =
  | {
      state: 'ran';
      circumstances: Circumstances;
      passed: string[];
      failures: { test: string; message: string }[];
    }
  /** The file could not be loaded, or took its process down. */
  | { state: 'broken'; message: string };

/** Runs test files again and again, each time in a world that is drawn from a seed. Waiting takes no time in it. */
export interface Rerunner {
  /**
   * @returns an outcome for each run, in their order; the last is the first run without a mutant that broke. Runs
   * without a mutant should go first: they tell endless loops
   * @throws SourceError when the subject or the test file cannot be parsed, or a mutant is not there
   * @throws AppError `execution.failed` when the sandbox cannot run anything
   */
  rerun(job: RerunJob, signal?: AbortSignal): Promise<Rerun[]>;
}

/** Runs that may take their process down before what is left is given up. */
const MOST_RESTARTS = 6;

export function createRerunner({ sandbox }: { sandbox: Sandbox }): Rerunner {
  let last: { source: string; prepared: Promise<PreparedSubject> } | undefined;
  /** One task's runs follow each other. */
  const prepare = (subject: RerunJob['subject']): Promise<PreparedSubject> => {
    if (last?.source !== subject.source) {
      last = { source: subject.source, prepared: prepareSubject(subject) };
    }
    return last.prepared;
  };
  return {
    async rerun(job, signal) {
      const [subject, test] = await Promise.all([
        prepare(job.subject),
        bundleTest(job.subject.fileName, job.test, job.modules),
      ]);
      const items = job.runs.map(({ perturbation, mutant }): RerunItem => {
        const number = mutant === undefined ? null : subject.numbers.get(mutant);
        if (number === undefined) throw new SourceError(`mutant ${mutant} does not exist`);
        return { perturbation, mutant: number };
      });
      const outcomes: Rerun[] = [];
      const isOver = (): boolean =>
        outcomes.length >= items.length ||
        outcomes.some(({ state }, index) => state === 'broken' && items[index]?.mutant === null);
      for (let restarts = 0; !isOver(); restarts += 1) {
        if (restarts > MOST_RESTARTS) {
          throw new SourceError('Too many runs of the tests have ended their process');
        }
        const left = items.slice(outcomes.length);
        await runProcess(
          sandbox,
          {
            subject: subject.switched,
            test,
            testFileName: job.test.fileName,
            testTimeoutMs: job.testTimeoutMs,
            requireAssertions: job.requireAssertions,
            items: left,
          },
          outcomes,
          isOver,
          signal,
        );
      }
      return outcomes;
    },
  };
}

/** Runs what is left in one process, and adds what it tells to `outcomes`. */
async function runProcess(
  sandbox: Sandbox,
  job: Omit<RerunDriverJob, 'nonce'>,
  outcomes: Rerun[],
  isOver: () => boolean,
  signal: AbortSignal | undefined,
): Promise<void> {
  signal?.throwIfAborted();
  const program = await loadProgram('rerun-driver');
  const nonce = randomBytes(16).toString('hex');
  const stdin = JSON.stringify({ ...job, nonce });
  const events = sandbox.run(
    { files: program.files, entry: program.entry, stdin, limits: LIMITS },
    signal,
  );
  let current: RerunItem | undefined;
  for await (const event of events) {
    if (event.type === 'exit') {
      signal?.throwIfAborted();
      if (current === undefined) throw driverFailure(event);
      outcomes.push({ state: 'broken', message: `The test file ${describeExit(event.state)}` });
      return;
    }
    if (!event.line.startsWith(`${nonce} `)) continue;
    const message = rerunMessageSchema.parse(JSON.parse(event.line.slice(nonce.length + 1)));
    if (message.type === 'done') return;
    if (message.type === 'item') current = job.items[message.index];
    const outcome = outcomeOf(message);
    if (outcome !== undefined) outcomes.push(outcome);
    if (isOver()) return;
  }
}

function outcomeOf(message: RerunMessage): Rerun | undefined {
  if (message.type === 'not-loaded') return { state: 'broken', message: message.message };
  if (message.type !== 'ran') return undefined;
  const { circumstances, passed, failures } = message;
  return { state: 'ran', circumstances, passed, failures };
}
