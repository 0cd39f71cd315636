import type { Executor } from '../../execution/index.ts';
import type { Counts, Measurement } from '../kind.ts';
import { hunksOf, stepsOf, type Steps } from './change.ts';
import type { Measured } from './format.ts';
import type { CodeReviewTask } from './kind.ts';

const TEST_TIMEOUT_MS = 5000;

/**
 * Proves by execution that the defects are some, and nothing else is: all tests pass on the right
 * version, each defect alone makes its test fail, and so does the version with all of them.
 */
export async function measureReview(
  task: CodeReviewTask,
  fingerprint: string,
  executor: Executor,
  signal: AbortSignal,
): Promise<Measurement> {
  const { measured, problems } = await prove(task, fingerprint, executor, signal);
  return problems.length > 0
    ? { state: 'refused', problems }
    : { state: 'built', measured, counts: countsOf(measured) };
}

/** Does the proof again and compares it with what was measured. */
export async function checkReview(
  task: CodeReviewTask & { measured: Measured },
  fingerprint: string,
  executor: Executor,
  signal: AbortSignal,
): Promise<{ problems: string[]; counts: Counts }> {
  const { measured, problems } = await prove(task, fingerprint, executor, signal);
  const agrees = JSON.stringify(measured) === JSON.stringify(task.measured);
  if (!agrees && problems.length === 0) {
    problems.push('measured.json does not agree: run `aqe-llm baseline suite build`');
  }
  return { problems, counts: countsOf(task.measured) };
}

function countsOf({ hunks, failing }: Measured): Counts {
  const clean = hunks.filter(({ defects }) => defects === 0).length;
  return { defects: failing.length, hunks: hunks.length, clean };
}

async function prove(
  task: CodeReviewTask,
  fingerprint: string,
  executor: Executor,
  signal: AbortSignal,
): Promise<{ measured: Measured; problems: string[] }> {
  const { defects, rightSource, defectiveSource, beforeSource } = task;
  const hunks = hunksOf(beforeSource, defectiveSource).map(({ lines: [from, to] }) => ({
    lines: [from, to] satisfies [number, number],
    defects: defects.filter(({ lines }) => lines[0] >= from && lines[1] <= to).length,
  }));
  const steps = stepsOf(rightSource, defectiveSource, defects);
  const problems = shapeProblems(task, hunks, steps);
  const failing: string[][] = [];
  if (problems.length === 0) {
    const fails = (source: string): Promise<string[]> =>
      failingTests(task, source, executor, signal);
    for (const name of await fails(rightSource)) {
      problems.push(`“${name}” fails on ${task.subject}, which should be right`);
    }
    const together = await fails(defectiveSource);
    for (const [index, { proof, title }] of defects.entries()) {
      const alone = await fails(steps.apply(new Set([index])));
      failing.push(alone);
      if (!alone.includes(proof)) problems.push(`“${proof}” passes with the defect “${title}”`);
      if (!together.includes(proof)) problems.push(`“${proof}” passes on defective.ts`);
    }
  }
  const measured: Measured = {
    schema: 'aqe-llm/measured@1',
    subject: fingerprint,
    hunks,
    failing,
  };
  return { measured, problems };
}

/** What is wrong with a task before anything is run. */
function shapeProblems(
  { defects }: CodeReviewTask,
  hunks: Measured['hunks'],
  { strays, made }: Steps,
): string[] {
  const problems = strays.map(
    (line) => `line ${line} of defective.ts is not right, but belongs to no defect`,
  );
  for (const [index, { title }] of defects.entries()) {
    if (!made.has(index)) problems.push(`nothing in defective.ts makes the defect “${title}”`);
  }
  const shown = hunks.reduce((sum, hunk) => sum + hunk.defects, 0);
  if (shown !== defects.length) problems.push('a defect is not within one hunk');
  if (!hunks.some((hunk) => hunk.defects === 0)) problems.push('no hunk is clean');
  return problems;
}

/** Tests that do not pass on a version of the module, in their order. */
async function failingTests(
  { subject, proofSource }: CodeReviewTask,
  source: string,
  executor: Executor,
  signal: AbortSignal,
): Promise<string[]> {
  const trace = await executor.trace(
    {
      subject: { fileName: subject, source },
      test: { fileName: 'proof.test.ts', source: proofSource },
      testTimeoutMs: TEST_TIMEOUT_MS,
    },
    signal,
  );
  if (trace.state === 'not-loaded') return [`proof.test.ts: ${trace.message}`];
  return trace.tests.filter(({ state }) => state !== 'passed').map(({ name }) => name);
}
