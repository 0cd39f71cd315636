import { DIMENSIONS, type Rerun } from '../../execution/index.ts';
import type { Counts, KindDeps, Measurement } from '../kind.ts';
import { DIMENSIONS_OF, type Cause } from './causes.ts';
import { drawHistory } from './draw-history.ts';
import type { Measured } from './format.ts';
import { measureGuards } from './guards.ts';
import { brief } from './history.ts';
import { failuresByTest, indexOfTest, openLab, type Lab } from './lab.ts';
import { calm, perturbed, RERUNS } from './runs.ts';
import { fingerprint, type FlakyDetectionTask } from './task.ts';

type MeasuredTask = FlakyDetectionTask & { measured: Measured };

/** Seeds that are tried for what has to be drawn and does not vary. */
const STILL_SEEDS = 60;
/** Reruns that must show again what they showed when the task was measured. */
const CHECKED_RERUNS = 20;

/**
 * Measures what is flaky, why, and what mending it must not lose.
 *
 * In a flaky spec the tests that `task.json` names must fail in some reruns and pass in others, the rest must pass in
 * all; mended, all must. In a stable spec all must pass; without their guards, the tests that `task.json` names must
 * be flaky. A cause is right if the flaky test fails while nothing but what it stands for varies, and never while
 * everything else does.
 */
export async function measure(
  task: FlakyDetectionTask,
  { executor, sandbox }: KindDeps,
  signal: AbortSignal,
): Promise<Measurement> {
  const lab = openLab(task, sandbox, signal);
  const misnamed = titleProblems(lab);
  if (misnamed.length > 0) return { state: 'refused', problems: misnamed };
  const isFlaky = task.counterpart.kind === 'fixed';
  const flakySource = isFlaky ? task.specSource : task.counterpart.source;
  const still = await stillSeed(lab, flakySource);
  if (still === undefined) {
    return { state: 'refused', problems: [`at none of ${STILL_SEEDS} seeds do all tests pass`] };
  }
  const { specSource, counterpart } = task;
  const runs = perturbed(1, RERUNS, still);
  const outcomes = await lab.run(specSource, runs);
  const failures = failuresByTest(lab, outcomes);
  const others = failuresByTest(lab, await lab.run(counterpart.source, runs));
  const file = `${counterpart.kind}.test.ts`;
  const problems = isFlaky
    ? [...flakyProblems(lab, failures, task.spec), ...soundProblems(lab, others, file)]
    : [...soundProblems(lab, failures, task.spec), ...flakyProblems(lab, others, file)];
  const evidence = await causeEvidence(lab, flakySource, isFlaky ? failures : others, still);
  problems.push(...causeProblems(lab, evidence));
  if (problems.length > 0) return { state: 'refused', problems };
  const guards = await measureGuards(lab, executor, still, failures);
  if (guards.problems.length > 0) return { state: 'refused', problems: guards.problems };
  const history = await drawHistory(lab, { outcomes, failures, still, guards });
  if (history === undefined) {
    return { state: 'refused', problems: ['no mutant breaks only sound tests: no commit to show'] };
  }
  const measured: Measured = {
    schema: 'aqe-llm/measured@1',
    subject: fingerprint(task),
    instrumenter: executor.instrumenterVersion,
    reruns: RERUNS,
    still,
    tests: lab.titles.map((title, index) => {
      const failed = failures[index] ?? [];
      const seen = evidence.get(index);
      const message = commonMessage(lab, outcomes, index);
      return {
        title,
        cause: task.causes[title] ?? null,
        failed: failed.map((run) => run + 1),
        ...(message === undefined ? {} : { message }),
        ...(seen === undefined ? {} : { evidence: seen }),
        ...(failed.length === 0 ? {} : { guards: guards.byTest.get(index) ?? [] }),
      };
    }),
    others: guards.others,
    history,
  };
  return { state: 'built', measured, counts: countsOf(measured) };
}

export function countsOf({ tests, others }: Measured): Counts {
  return {
    tests: tests.length,
    flaky: tests.filter(({ failed }) => failed.length > 0).length,
    guards: tests.reduce((sum, { guards = [] }) => sum + guards.length, others.length),
  };
}

/** Proves that the first reruns, of the spec and of its counterpart, show what they showed when it was measured. */
export async function prove(
  task: MeasuredTask,
  { sandbox }: KindDeps,
  signal: AbortSignal,
): Promise<{ problems: string[]; counts: Counts }> {
  const { measured } = task;
  const lab = openLab(task, sandbox, signal);
  const runs = perturbed(1, Math.min(CHECKED_RERUNS, measured.reruns), measured.still);
  const failures = failuresByTest(lab, await lab.run(task.specSource, runs));
  const problems: string[] = [];
  for (const [index, { title, failed }] of measured.tests.entries()) {
    const then = failed.filter((seed) => seed <= runs.length);
    const now = (failures[index] ?? []).map((run) => run + 1);
    if (then.join() !== now.join()) {
      problems.push(
        `test “${title}” fails at the seeds ${now.join(', ') || 'none'}, and did at ${then.join(', ') || 'none'}: run \`aqe-llm baseline suite build\``,
      );
    }
  }
  if (task.counterpart.kind === 'fixed') {
    const mended = failuresByTest(lab, await lab.run(task.counterpart.source, runs));
    problems.push(...soundProblems(lab, mended, 'fixed.test.ts'));
  }
  return { problems, counts: countsOf(measured) };
}

function titleProblems({ task, titles }: Lab): string[] {
  const problems: string[] = [];
  if (new Set(titles).size < titles.length) problems.push(`${task.spec}: two tests of one title`);
  for (const title of Object.keys(task.causes)) {
    if (!titles.includes(title)) problems.push(`${task.spec} has no test “${title}”`);
  }
  const named = titles.filter((title) => task.causes[title] !== undefined).length;
  if (named === 0) problems.push('no test has a cause');
  // Only where both are there can telling them apart be graded.
  if (named === titles.length) problems.push('every test has a cause');
  return problems;
}

/** The first seed at which everything passes while nothing varies. */
async function stillSeed(lab: Lab, source: string): Promise<number | undefined> {
  const runs = Array.from({ length: STILL_SEEDS }, (_, seed) => calm(seed));
  const outcomes = await lab.run(source, runs);
  const first = outcomes.findIndex((run) => run.state === 'ran' && run.failures.length === 0);
  return first < 0 ? undefined : first;
}

function flakyProblems(lab: Lab, failures: readonly number[][], file: string): string[] {
  return lab.titles.flatMap((title, index) => {
    const times = failures[index]?.length ?? 0;
    const isNamed = lab.task.causes[title] !== undefined;
    if (isNamed && times > 0 && times < RERUNS) return [];
    if (!isNamed && times === 0) return [];
    return [`${file}: test “${title}” failed in ${times} of ${RERUNS} reruns`];
  });
}

function soundProblems(lab: Lab, failures: readonly number[][], file: string): string[] {
  return lab.titles.flatMap((title, index) => {
    const times = failures[index]?.length ?? 0;
    return times === 0 ? [] : [`${file}: test “${title}” failed in ${times} reruns`];
  });
}

interface CauseEvidence {
  all: number;
  cause: number;
  others: number;
}

/** How often each flaky test fails while only what its cause stands for varies, and while only the rest does. */
async function causeEvidence(
  lab: Lab,
  source: string,
  all: readonly number[][],
  still: number,
): Promise<Map<number, CauseEvidence>> {
  const causes = lab.titles.map((title) => lab.task.causes[title]);
  const evidence = new Map<number, CauseEvidence>();
  for (const cause of new Set(causes)) {
    if (cause === undefined) continue;
    const own = DIMENSIONS_OF[cause];
    const rest = DIMENSIONS.filter((dimension) => !own.includes(dimension));
    const alone = failuresByTest(lab, await lab.run(source, perturbed(1, RERUNS, still, own)));
    const without = failuresByTest(lab, await lab.run(source, perturbed(1, RERUNS, still, rest)));
    for (const [index, each] of causes.entries()) {
      if (each !== cause) continue;
      evidence.set(index, {
        all: all[index]?.length ?? 0,
        cause: alone[index]?.length ?? 0,
        others: without[index]?.length ?? 0,
      });
    }
  }
  return evidence;
}

function causeProblems({ task, titles }: Lab, evidence: Map<number, CauseEvidence>): string[] {
  return [...evidence].flatMap(([index, { cause, others }]) => {
    const title = titles[index] ?? '';
    const name: Cause | undefined = task.causes[title];
    if (cause === 0) return [`“${title}” does not fail when only ${name} varies`];
    return others === 0 ? [] : [`“${title}” fails ${others} times without ${name}`];
  });
}

/** What a test said most often when it failed. */
function commonMessage(lab: Lab, outcomes: readonly Rerun[], index: number): string | undefined {
  const times = new Map<string, number>();
  for (const outcome of outcomes) {
    if (outcome.state !== 'ran') continue;
    for (const { test, message } of outcome.failures) {
      if (indexOfTest(lab.titles, test) !== index) continue;
      times.set(brief(message), (times.get(brief(message)) ?? 0) + 1);
    }
  }
  let most: string | undefined;
  for (const [message, count] of times) {
    if (most === undefined || count > (times.get(most) ?? 0)) most = message;
  }
  return most;
}
