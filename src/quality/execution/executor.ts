import { createRequire } from 'node:module';
import type { BoundaryClass, TestEvidence } from '../kinds/test-generation/evidence.ts';
import { isDetected } from '../mutants.ts';
import type { Sandbox } from '../sandbox/sandbox.ts';
import type { RunKind } from './driver/job.ts';
import type {
  CoverageCounts,
  Execution,
  ExecutionJob,
  Mutant,
  Trace,
  TraceJob,
} from './execution.ts';
import { fuzzTest, type FuzzJob } from './fuzz.ts';
import { prepareSubject, SourceError, type PreparedSubject } from './instrument.ts';
import { checkedRegions } from './region.ts';
import { supervise, type Observation, type RunRecord } from './supervisor.ts';
import { bundleTest } from './test-bundle.ts';

type Subject = ExecutionJob['subject'];

/** Runs test files against subjects, measured, in a sandbox. */
export interface Executor {
  /** Which instrumenters number the statements and name the mutants. */
  readonly instrumenterVersion: string;
  /**
   * Runs a test file: verdicts, coverage, boundary values and mutants.
   * @throws AppError `execution.failed` when the sandbox cannot run anything; never because of the sources
   */
  execute(job: ExecutionJob, signal?: AbortSignal): Promise<Execution>;
  /**
   * Runs a test file once and tells what each of its tests reaches.
   * @throws AppError `execution.failed` as `execute` does
   */
  trace(job: TraceJob, signal?: AbortSignal): Promise<Trace>;
  /**
   * Every mutant of a subject, in the order of the source.
   * @throws SourceError when the subject cannot be parsed
   */
  listMutants(subject: Subject): Promise<Mutant[]>;
  /**
   * The ids among `mutants` whose traces differ from the subject's own.
   * @throws SourceError when the fuzz source cannot be loaded, or gives no stable trace for any seed
   */
  fuzzMutants(job: FuzzJob, signal?: AbortSignal): Promise<string[]>;
}

/** Subjects are few and run often: with every repeat, by both sides. */
const PREPARED_KEPT = 16;

function versions(): string {
  const load = createRequire(import.meta.url);
  const names = ['@stryker-mutator/instrumenter', 'istanbul-lib-instrument'];
  return names
    .map((name) => {
      const manifest: unknown = load(`${name}/package.json`);
      const version =
        typeof manifest === 'object' && manifest !== null && 'version' in manifest
          ? String(manifest.version)
          : 'unknown';
      return `${name}@${version}`;
    })
    .join(' ');
}

export function createExecutor({ sandbox }: { sandbox: Sandbox }): Executor {
  const prepared = new Map<string, Promise<PreparedSubject>>();

  function prepare(subject: Subject): Promise<PreparedSubject> {
    const key = `${subject.fileName}\n${subject.source}`;
    const known = prepared.get(key);
    if (known) return known;
    const [oldest] = prepared.keys();
    if (prepared.size >= PREPARED_KEPT && oldest !== undefined) prepared.delete(oldest);
    const made = prepareSubject(subject);
    prepared.set(key, made);
    return made;
  }

  interface Measurement {
    subject: PreparedSubject;
    test: string;
    testFileName: string;
    testTimeoutMs: number;
    mustCheck: boolean;
    runs: RunKind[];
    mutants: readonly string[];
  }

  /** Runs what is prepared; mutants go in and out by their ids. */
  async function measure(what: Measurement, signal?: AbortSignal): Promise<Observation> {
    const { subject } = what;
    const ids = new Map<string, string>();
    for (const id of what.mutants) {
      const number = subject.numbers.get(id);
      if (number !== undefined) ids.set(number, id);
    }
    const observed = await supervise(
      sandbox,
      {
        subject: { counted: subject.counted, switched: subject.switched },
        test: what.test,
        testFileName: what.testFileName,
        testTimeoutMs: what.testTimeoutMs,
        mustCheck: what.mustCheck,
        runs: what.runs,
        mutants: [...ids.keys()],
      },
      signal,
    );
    if (observed.state === 'not-loaded') return observed;
    const mutants = observed.mutants.map(({ id, state }) => ({ id: ids.get(id) ?? id, state }));
    return { ...observed, mutants };
  }

  /** Instruments the subject and bundles the test; what is wrong with either is a finding. */
  async function makeReady(
    job: Pick<ExecutionJob, 'subject' | 'test'>,
  ): Promise<
    | { state: 'ready'; subject: PreparedSubject; test: string }
    | { state: 'not-loaded'; message: string }
  > {
    try {
      const [subject, test] = await Promise.all([
        prepare(job.subject),
        bundleTest(job.subject.fileName, job.test),
      ]);
      return { state: 'ready', subject, test };
    } catch (error) {
      if (error instanceof SourceError) return { state: 'not-loaded', message: error.message };
      throw error;
    }
  }

  return {
    instrumenterVersion: versions(),

    async trace(job, signal) {
      const ready = await makeReady(job);
      if (ready.state === 'not-loaded') return ready;
      const observed = await measure(
        {
          subject: ready.subject,
          test: ready.test,
          testFileName: job.test.fileName,
          testTimeoutMs: job.testTimeoutMs,
          mustCheck: false,
          runs: ['coverage'],
          mutants: [],
        },
        signal,
      );
      return observed.state === 'ran' ? traceOf(observed, ready.subject) : observed;
    },

    async execute(job, signal) {
      const ready = await makeReady(job);
      if (ready.state === 'not-loaded') return ready;
      const { subject, test } = ready;
      const plain = Array<RunKind>(Math.max(job.reruns, 2) - 1).fill('plain');
      const observed = await measure(
        {
          subject,
          test,
          testFileName: job.test.fileName,
          testTimeoutMs: job.testTimeoutMs,
          mustCheck: job.mustCheck,
          // The spies' run comes last and decides nothing: spying must not be able to fail a test.
          runs: ['coverage', ...plain, 'arguments'],
          mutants: job.mutants,
        },
        signal,
      );
      return observed.state === 'ran' ? judge(observed, subject) : observed;
    },

    async listMutants(subject) {
      return [...(await prepare(subject)).mutants];
    },

    async fuzzMutants(job, signal) {
      const subject = await prepare(job.subject);
      const { test, modules } = fuzzTest(job);
      const observed = await measure(
        {
          subject,
          test: await bundleTest(job.subject.fileName, test, modules),
          testFileName: test.fileName,
          testTimeoutMs: 5000,
          mustCheck: false,
          runs: ['plain', 'plain'],
          mutants: job.mutants,
        },
        signal,
      );
      if (observed.state === 'not-loaded') throw new SourceError(observed.message);
      if (!judge(observed, subject).tests.some(({ state }) => state === 'passed')) {
        throw new SourceError('The fuzz source gives no stable trace for any seed');
      }
      return observed.mutants.filter(isDetected).map(({ id }) => id);
    },
  };
}

type Observed = Extract<Observation, { state: 'ran' }>;

/** The verdict over all runs of a test. */
function verdict(
  { name, key }: { name: string; key: string },
  runs: readonly RunRecord[],
  { checking, unsteady }: Pick<Observed, 'checking' | 'unsteady'>,
): TestEvidence {
  const results = runs.map((run) => run.tests.get(key));
  const states = new Set(results.map((result) => result?.state));
  const failure = results.find((result) => result?.message !== undefined)?.message;
  const message = failure === undefined ? {} : { message: failure };
  if (states.size === 1 && states.has('passed')) {
    if (unsteady.has(key)) {
      return { name, state: 'flaky', message: 'It did not pass when it ran once more' };
    }
    return { name, state: checking === null || checking.has(key) ? 'passed' : 'vacuous' };
  }
  if (states.size === 1 && states.has('skipped')) return { name, state: 'skipped' };
  if (states.has('passed')) return { name, state: 'flaky', ...message };
  return { name, state: states.has('timeout') ? 'timeout' : 'failed', ...message };
}

function judge(observed: Observed, subject: PreparedSubject): Extract<Execution, { state: 'ran' }> {
  const decisive = observed.runs.filter(({ kind }) => kind !== 'arguments');
  const verdicts = observed.found.map((test) => ({
    key: test.key,
    evidence: verdict(test, decisive, observed),
  }));
  const passed = new Set(
    verdicts.filter(({ evidence }) => evidence.state === 'passed').map(({ key }) => key),
  );

  /** What the passing tests touched in a run, and what was touched around them. */
  const touched = (kind: RunKind): Set<string> => {
    const keys = new Set<string>();
    const run = observed.runs.find((each) => each.kind === kind);
    if (!run || passed.size === 0) return keys;
    for (const key of run.outside) keys.add(key);
    for (const test of passed) {
      for (const key of run.tests.get(test)?.touched ?? []) keys.add(key);
    }
    return keys;
  };

  const coverage = observed.runs.find(({ kind }) => kind === 'coverage');
  const loaded = new Set(coverage?.loaded);
  const covered = touched('coverage');
  const killed = observed.mutants.map((mutant): [string, boolean] => [
    mutant.id,
    isDetected(mutant),
  ]);
  const checked = checkedRegions(subject.regions, new Map(killed));
  const counts = (prefix: string): CoverageCounts => {
    const total = (coverage?.all ?? []).filter((key) => key.startsWith(prefix) && !loaded.has(key));
    const reached = total.filter((key) => covered.has(key));
    return { covered: reached, checked: reached.filter((key) => checked.has(key)), total };
  };
  const statements = counts('s');
  const uncovered = statements.total.filter((key) => !covered.has(key));
  const lines = new Set(uncovered.map((key) => subject.lines.get(key) ?? 0));
  return {
    state: 'ran',
    tests: verdicts.map(({ evidence }) => evidence),
    statements,
    branches: counts('b'),
    uncoveredLines: [...lines].sort((a, b) => a - b),
    // An argument spy touches nothing but boundary classes.
    boundaryClasses: [...touched('arguments')].filter(isBoundaryClass).sort(),
    mutants: observed.mutants,
  };
}

function traceOf(observed: Observed, { lines, arms }: PreparedSubject): Trace {
  const run = observed.runs.find(({ kind }) => kind === 'coverage');
  const tests = observed.found.map((test) => ({
    ...verdict(test, observed.runs, observed),
    touched: run?.tests.get(test.key)?.touched ?? [],
  }));
  return {
    state: 'ran',
    tests,
    outside: [...(run?.loaded ?? []), ...(run?.outside ?? [])],
    lines,
    arms,
  };
}

const BOUNDARY_CLASSES: ReadonlySet<string> = new Set<BoundaryClass>([
  'zero',
  'minus-one',
  'nan',
  'null',
  'empty-string',
  'empty-array',
  'max',
]);

function isBoundaryClass(key: string): key is BoundaryClass {
  return BOUNDARY_CLASSES.has(key);
}
