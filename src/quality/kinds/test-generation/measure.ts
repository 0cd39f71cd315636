import { createHash } from 'node:crypto';
import type { Execution, Executor } from '../../execution/index.ts';
import { isBoundaryMutant, isDetected } from '../../mutants.ts';
import type { Counts, Measurement } from '../kind.ts';
import type { Measured } from './format.ts';
import { REFERENCE_FILE, type TestGenerationTask } from './kind.ts';

type Ran = Extract<Execution, { state: 'ran' }>;

/** How often the reference must pass on its own subject. */
const REFERENCE_RERUNS = 3;
/** Traces of `fuzz.ts` that are compared for each mutant which the reference lets live. */
const FUZZ_SEEDS = 200;
const TEST_TIMEOUT_MS = 5000;

/** Measures a task's reference and sorts out equivalent mutants. */
export async function measure(
  task: TestGenerationTask,
  executor: Executor,
  signal: AbortSignal,
): Promise<Measurement> {
  const subject = subjectOf(task);
  const all = await executor.listMutants(subject);
  const mutants = all.map((mutant) => mutant.id);
  const execution = await runReference(task, mutants, executor, signal);
  const problems = referenceProblems(execution);
  if (execution.state === 'not-loaded' || problems.length > 0)
    return { state: 'refused', problems };
  const byReference = new Set(killedIn(execution));
  const alive = mutants.filter((id) => !byReference.has(id));
  const byFuzz = new Set(
    task.fuzzSource === undefined
      ? []
      : await executor.fuzzMutants(
          { subject, fuzzSource: task.fuzzSource, mutants: alive, seeds: FUZZ_SEEDS },
          signal,
        ),
  );
  const measured: Measured = {
    schema: 'aqe-llm/measured@1',
    subject: subjectHash(task),
    instrumenter: executor.instrumenterVersion,
    ...measuredIn(execution),
    mutants: all
      .filter(({ id }) => byReference.has(id) || byFuzz.has(id))
      .map((mutant) => ({
        ...mutant,
        boundary: isBoundaryMutant(mutant),
        killedBy: byReference.has(mutant.id) ? 'reference' : 'fuzz',
      })),
    equivalent: alive.filter((id) => !byFuzz.has(id)),
  };
  return { state: 'built', measured, counts: countsOf(measured) };
}

/**
 * What a measured task must still hold: its mutants exist, and its reference passes, kills those that it killed and
 * no others, and covers and passes to the module what was measured.
 */
export async function prove(
  task: TestGenerationTask & { measured: Measured },
  executor: Executor,
  signal: AbortSignal,
): Promise<{ problems: string[]; counts: Counts }> {
  const { measured } = task;
  const problems: string[] = [];
  if (measured.mutants.length === 0) problems.push('no mutant can be killed');
  const known = new Set((await executor.listMutants(subjectOf(task))).map((mutant) => mutant.id));
  for (const { id } of measured.mutants) {
    if (!known.has(id))
      problems.push(`mutant ${id} does not exist: run \`aqe-llm baseline suite build\``);
  }
  const listed = [...measured.mutants.map(({ id }) => id), ...measured.equivalent];
  const execution = await runReference(task, listed, executor, signal);
  problems.push(...referenceProblems(execution));
  if (execution.state === 'ran') {
    const killed = new Set(killedIn(execution));
    for (const { id, killedBy } of measured.mutants) {
      if (killedBy === 'reference' && !killed.has(id)) {
        problems.push(`mutant ${id} should die by the reference, but lives`);
      }
    }
    for (const id of measured.equivalent) {
      if (killed.has(id)) problems.push(`mutant ${id} is said to be equivalent, but dies`);
    }
    const now = measuredIn(execution);
    for (const name of ['statements', 'branches', 'boundaryClasses'] as const) {
      const [was, is] = [JSON.stringify(measured[name]), JSON.stringify(now[name])];
      if (was !== is) problems.push(`${name}: ${was} in measured.json, ${is} now`);
    }
  }
  return { problems, counts: countsOf(measured) };
}

function killedIn({ mutants }: Ran): string[] {
  return mutants.filter(isDetected).map(({ id }) => id);
}

/** What the reference covers, and which boundary values it passes to the module. */
function measuredIn({
  statements,
  branches,
  boundaryClasses,
}: Ran): Pick<Measured, 'statements' | 'branches' | 'boundaryClasses'> {
  return {
    statements: { covered: statements.covered.length, total: statements.total.length },
    branches: { covered: branches.covered.length, total: branches.total.length },
    boundaryClasses,
  };
}

function countsOf({ mutants, equivalent }: Measured): Counts {
  return { mutants: mutants.length, equivalent: equivalent.length };
}

export function subjectHash(task: Pick<TestGenerationTask, 'subjectSource'>): string {
  return createHash('sha256').update(task.subjectSource).digest('hex');
}

function subjectOf(task: TestGenerationTask): { fileName: string; source: string } {
  return { fileName: task.subject, source: task.subjectSource };
}

/** Runs the reference tests on their subject, and on each of `mutants`. */
function runReference(
  task: TestGenerationTask,
  mutants: readonly string[],
  executor: Executor,
  signal: AbortSignal,
): Promise<Execution> {
  return executor.execute(
    {
      subject: subjectOf(task),
      test: { fileName: REFERENCE_FILE, source: task.referenceSource },
      reruns: REFERENCE_RERUNS,
      mutants,
      testTimeoutMs: TEST_TIMEOUT_MS,
      mustCheck: true,
    },
    signal,
  );
}

/** Why a reference run is no ground to measure anything by. */
function referenceProblems(execution: Execution): string[] {
  if (execution.state === 'not-loaded') {
    return [`${REFERENCE_FILE} does not run: ${execution.message}`];
  }
  return execution.tests
    .filter(({ state }) => state !== 'passed' && state !== 'vacuous')
    .map(({ name, state, message }) => `reference test “${name}” ${state}: ${message ?? ''}`);
}
