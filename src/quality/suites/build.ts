import { createHash } from 'node:crypto';
import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, messageOf } from '../../core/errors.ts';
import { SourceError, type Execution, type Executor } from '../execution/index.ts';
import { isBoundaryMutant } from '../mutants.ts';
import type { Measured } from './format.ts';
import { MEASURED_FILE, REFERENCE_FILE, type Task } from './suite.ts';

export type BuildOutcome =
  | { taskId: string; state: 'built'; measured: Measured }
  | { taskId: string; state: 'refused'; problems: string[] };

/** How often the reference must pass on its own subject. */
const REFERENCE_RERUNS = 3;
/** Traces of `fuzz.ts` that are compared for each mutant which the reference lets live. */
const FUZZ_SEEDS = 200;
const TEST_TIMEOUT_MS = 5000;

/**
 * Measures tasks' references, sorts out equivalent mutants and writes each `measured.json`.
 * @throws AppError `suite.not-written`
 */
export async function* buildSuite(
  tasks: readonly Task[],
  executor: Executor,
  signal: AbortSignal,
): AsyncGenerator<BuildOutcome> {
  for (const task of tasks) {
    const outcome = await measure(task, executor, signal).catch((error: unknown) =>
      refusal(task, error),
    );
    if (outcome.state === 'built') {
      const file = path.join(task.folder, MEASURED_FILE);
      await writeWhole(file, `${JSON.stringify(outcome.measured, null, 2)}\n`);
    }
    yield outcome;
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  try {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  } catch (error) {
    throw new AppError('suite.not-written', `${file} cannot be written: ${messageOf(error)}`, {
      hint: 'Check that the suite’s folders can be written and have room. What was measured before is as it was.',
      cause: error,
    });
  }
}

/** Sources that cannot be read are the suite's fault; everything else is not. */
function refusal(task: Task, error: unknown): BuildOutcome {
  if (!(error instanceof SourceError)) throw error;
  return { taskId: task.id, state: 'refused', problems: [error.message] };
}

async function measure(task: Task, executor: Executor, signal: AbortSignal): Promise<BuildOutcome> {
  const subject = subjectOf(task);
  const all = await executor.listMutants(subject);
  const mutants = all.map((mutant) => mutant.id);
  const execution = await runReference(task, mutants, executor, signal);
  const problems = referenceProblems(execution);
  if (execution.state === 'not-loaded' || problems.length > 0) {
    return { taskId: task.id, state: 'refused', problems };
  }
  const byReference = new Set(
    execution.mutants
      .filter(({ state }) => state === 'killed' || state === 'timeout')
      .map(({ id }) => id),
  );
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
    statements: {
      covered: execution.statements.covered.length,
      total: execution.statements.total.length,
    },
    branches: {
      covered: execution.branches.covered.length,
      total: execution.branches.total.length,
    },
    boundaryClasses: execution.boundaryClasses,
    mutants: all
      .filter(({ id }) => byReference.has(id) || byFuzz.has(id))
      .map((mutant) => ({
        ...mutant,
        boundary: isBoundaryMutant(mutant),
        killedBy: byReference.has(mutant.id) ? 'reference' : 'fuzz',
      })),
    equivalent: alive.filter((id) => !byFuzz.has(id)),
  };
  return { taskId: task.id, state: 'built', measured };
}

export function subjectHash(task: Task): string {
  return createHash('sha256').update(task.subjectSource).digest('hex');
}

export function subjectOf(task: Task): { fileName: string; source: string } {
  return { fileName: task.subject, source: task.subjectSource };
}

/** Runs the reference tests on their subject, and on each of `mutants`. */
export function runReference(
  task: Task,
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
      requireAssertions: true,
    },
    signal,
  );
}

/** Why a reference run is no ground to measure anything by. */
export function referenceProblems(execution: Execution): string[] {
  if (execution.state === 'not-loaded') {
    return [`${REFERENCE_FILE} does not run: ${execution.message}`];
  }
  return execution.tests
    .filter((test) => test.state !== 'passed')
    .map(({ name, state, message }) => `reference test “${name}” ${state}: ${message ?? ''}`);
}
