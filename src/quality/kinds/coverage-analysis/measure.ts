import { SourceError, type Executor } from '../../execution/index.ts';
import type { Trace } from '../../execution/execution.ts';
import type { Counts, Measurement } from '../kind.ts';
import { nameArms } from './branch-names.ts';
import type { Measured } from './format.ts';
import { isCode } from './listing.ts';
import type { CoverageAnalysisTask } from './kind.ts';
import { exportedBy, proposalFile } from './proposal.ts';
import { testBlocks } from './test-file.ts';

const TEST_TIMEOUT_MS = 5000;
/** Gaps that a task has at least, so that there is something to find. */
const LEAST_LINES = 3;
const LEAST_BRANCHES = 2;
/** Shares of all lines and branches that are gaps at most, so that naming all of them is no answer. */
const MOST_GAPS = 1 / 3;

type Ran = Extract<Trace, { state: 'ran' }>;

/** Runs all tests, the remaining ones, and the deleted ones one by one as proposals. */
export async function measureGaps(
  task: CoverageAnalysisTask,
  fingerprint: string,
  executor: Executor,
  signal: AbortSignal,
): Promise<Measurement> {
  const unknown = unknownTests(task);
  if (unknown.length > 0) return { state: 'refused', problems: unknown };
  const all = await run(task, task.referenceSource, executor, signal);
  const remaining = await run(task, task.remainingSource, executor, signal);
  const gaps = gapsOf(all, remaining);
  const proposal = await firstProposal(task, gaps.branches.uncovered, executor, signal);
  const problems = [...failures(all), ...problemsOf(gaps), ...hiddenLines(task, remaining)];
  if (proposal === undefined) problems.push('no deleted test takes a branch that is not covered');
  if (proposal === undefined || problems.length > 0) return { state: 'refused', problems };
  const measured: Measured = {
    schema: 'aqe-llm/measured@1',
    subject: fingerprint,
    instrumenter: executor.instrumenterVersion,
    ...gaps,
    proposal,
  };
  return { state: 'built', measured, counts: countsOf(measured) };
}

/** Measures again and compares. */
export async function checkGaps(
  task: CoverageAnalysisTask & { measured: Measured },
  fingerprint: string,
  executor: Executor,
  signal: AbortSignal,
): Promise<{ problems: string[]; counts: Counts }> {
  const again = await measureGaps(task, fingerprint, executor, signal);
  const counts = countsOf(task.measured);
  if (again.state === 'refused') return { problems: again.problems, counts };
  const agrees = JSON.stringify(again.measured) === JSON.stringify(task.measured);
  return {
    problems: agrees ? [] : ['measured.json does not agree: run `aqe-llm baseline suite build`'],
    counts,
  };
}

function countsOf({ lines, branches }: Measured): Counts {
  return { lines: lines.uncovered.length, branches: branches.uncovered.length };
}

function unknownTests({ referenceSource, deleted }: CoverageAnalysisTask): string[] {
  const names = new Set(testBlocks(referenceSource).map(({ name }) => name));
  return deleted.filter((name) => !names.has(name)).map((name) => `there is no test “${name}”`);
}

async function run(
  { subject, subjectSource }: CoverageAnalysisTask,
  test: string,
  executor: Executor,
  signal?: AbortSignal,
): Promise<Ran> {
  const trace = await executor.trace(
    {
      subject: { fileName: subject, source: subjectSource },
      test: { fileName: 'remaining.test.ts', source: test },
      testTimeoutMs: TEST_TIMEOUT_MS,
    },
    signal,
  );
  if (trace.state === 'not-loaded') throw new SourceError(trace.message);
  return trace;
}

function failures({ tests }: Ran): string[] {
  return tests
    .filter(({ state }) => state !== 'passed')
    .map(({ name, state, message }) => `test “${name}” ${state}: ${message ?? ''}`);
}

function touchedIn({ tests, outside }: Ran): Set<string> {
  return new Set([...outside, ...tests.flatMap(({ touched }) => touched)]);
}

function gapsOf(all: Ran, remaining: Ran): Pick<Measured, 'lines' | 'branches'> {
  const reachable = touchedIn(all);
  const touched = touchedIn(remaining);
  const states = new Map<number, Set<boolean>>();
  for (const [key, line] of remaining.lines) {
    states.set(line, (states.get(line) ?? new Set()).add(touched.has(key)));
  }
  const linesThat = (...wanted: boolean[]): number[] =>
    [...states]
      .filter(([, seen]) => seen.size === wanted.length && wanted.every((state) => seen.has(state)))
      .map(([line]) => line)
      .sort((a, b) => a - b);
  const names = nameArms(remaining.arms);
  const branchesThat = (wanted: (key: string) => boolean): string[] =>
    remaining.arms.filter(({ key }) => wanted(key)).map(({ key }) => names.get(key) ?? key);
  return {
    lines: {
      covered: linesThat(true),
      partial: linesThat(true, false),
      uncovered: linesThat(false),
    },
    branches: {
      covered: branchesThat((key) => touched.has(key)),
      uncovered: branchesThat((key) => !touched.has(key) && reachable.has(key)),
      unreachable: branchesThat((key) => !touched.has(key) && !reachable.has(key)),
    },
  };
}

function problemsOf({ lines, branches }: Pick<Measured, 'lines' | 'branches'>): string[] {
  const problems: string[] = [];
  const hold = (what: string, gaps: number, covered: number, least: number): void => {
    if (gaps < least) problems.push(`only ${gaps} uncovered ${what}: delete more tests`);
    if (gaps > MOST_GAPS * (gaps + covered)) {
      problems.push(`${gaps} of ${gaps + covered} ${what} are not covered: delete fewer tests`);
    }
  };
  hold('lines', lines.uncovered.length, lines.covered.length + lines.partial.length, LEAST_LINES);
  hold('branches', branches.uncovered.length, branches.covered.length, LEAST_BRANCHES);
  return problems;
}

/** Lines with code that the prompt would not show. */
function hiddenLines({ subjectSource }: CoverageAnalysisTask, { lines, arms }: Ran): string[] {
  const rows = subjectSource.split('\n');
  const counted = new Set([...lines.values(), ...arms.map(({ line }) => line)]);
  return [...counted]
    .filter((line) => !isCode(rows[line - 1] ?? ''))
    .map((line) => `line ${line} has code, but looks like a comment`);
}

async function firstProposal(
  task: CoverageAnalysisTask,
  uncovered: readonly string[],
  executor: Executor,
  signal: AbortSignal,
): Promise<Measured['proposal'] | undefined> {
  for (const { name, code } of testBlocks(task.referenceSource)) {
    if (!task.deleted.includes(name)) continue;
    const outcome = await traceProposal(task, code, executor, signal);
    if (outcome.state === 'not-loaded') continue;
    const branch = uncovered.find((each) => outcome.reached.has(each));
    if (branch !== undefined) return { branch, test: name };
  }
  return undefined;
}

/** Runs a proposed test and names the branches that it takes, whether it passes or not. */
export async function traceProposal(
  task: CoverageAnalysisTask,
  code: string,
  executor: Executor,
  signal?: AbortSignal,
): Promise<{ state: 'ran'; reached: Set<string> } | { state: 'not-loaded'; message: string }> {
  const { subject, subjectSource, remainingSource } = task;
  const source = proposalFile(code, {
    remaining: remainingSource,
    subject,
    exported: exportedBy(subjectSource),
  });
  if (source === undefined) return { state: 'not-loaded', message: 'The code does not parse.' };
  const trace = await executor.trace(
    {
      subject: { fileName: subject, source: subjectSource },
      test: { fileName: 'proposal.test.ts', source },
      testTimeoutMs: TEST_TIMEOUT_MS,
    },
    signal,
  );
  if (trace.state === 'not-loaded') return trace;
  const names = nameArms(trace.arms);
  const touched = trace.tests.flatMap((test) => test.touched);
  return { state: 'ran', reached: new Set(touched.map((key) => names.get(key) ?? key)) };
}
