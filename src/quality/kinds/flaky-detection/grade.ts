import { createRerunner, SourceError, type Rerun, type Rerunner } from '../../execution/index.ts';
import type { GradeOf } from '../../result.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { roundPoints, type Answer } from '../kind.ts';
import { readAnswer } from './answer.ts';
import type { FixEvidence, TestVerdict } from './evidence.ts';
import type { Measured } from './format.ts';
import { mend, parses } from './mend.ts';
import { calm, perturbed } from './runs.ts';
import { scoreParts } from './score.ts';
import { jobOf, type FlakyDetectionTask } from './task.ts';

type MeasuredTask = FlakyDetectionTask & { measured: Measured };

/** Reruns after which a fix that has mended nothing is given up. */
const FIRST_RERUNS = 20;

/** Grades what is said of each test, and runs the mended spec: docs/grading.md. */
export async function gradeFlakyDetection(
  task: MeasuredTask,
  answer: Answer,
  sandbox: Sandbox,
  signal?: AbortSignal,
): Promise<GradeOf<'flaky-detection'>> {
  const { measured } = task;
  const { said, fix } = readAnswer(
    answer.text,
    measured.tests.map(({ title }) => title),
  );
  const tests = measured.tests.map(({ title, cause, failed }, index): TestVerdict => ({
    title,
    flaky: failed.length > 0,
    cause,
    failures: failed.length,
    saidFlaky: said[index]?.flaky ?? null,
    saidCause: said[index]?.cause ?? null,
  }));
  const evidence = {
    truncated: answer.truncated,
    looped: answer.looped,
    tests,
    fix: await tryFix(task, fix, tests, createRerunner({ sandbox }), signal),
  };
  const parts = scoreParts(evidence);
  const points = parts.reduce((sum, part) => sum + part.points, 0);
  return { category: 'flaky-detection', score: roundPoints(points / 10), parts, evidence };
}

async function tryFix(
  task: MeasuredTask,
  fix: string,
  tests: readonly TestVerdict[],
  rerunner: Rerunner,
  signal: AbortSignal | undefined,
): Promise<FixEvidence> {
  const suspects = tests.filter(({ saidFlaky }) => saidFlaky === true).map(({ title }) => title);
  const source = mend(task.specSource, fix, suspects);
  if (source === undefined) return { state: 'none' };
  if (tests.every(({ flaky }) => !flaky)) return { state: 'needless' };
  if (!parses(source)) return { state: 'broken', message: 'The mended spec does not parse' };
  try {
    return await runFix(task, source, rerunner, signal);
  } catch (error) {
    if (error instanceof SourceError) return { state: 'broken', message: error.message };
    throw error;
  }
}

async function runFix(
  task: MeasuredTask,
  source: string,
  rerunner: Rerunner,
  signal: AbortSignal | undefined,
): Promise<FixEvidence> {
  const { measured } = task;
  const { still, reruns } = measured;
  const flaky = measured.tests.filter(({ failed }) => failed.length > 0);
  const others = { killed: 0, total: measured.others.length };
  const log = new RunLog(measured);
  const result = (kills: ReadonlySet<string>): FixEvidence => ({
    state: 'ran',
    // One run, the first, varied nothing.
    reruns: log.runs - 1,
    mended: flaky.map(({ title, guards = [] }) => ({
      title,
      survived: log.survived(title),
      guards: { killed: guards.filter((id) => kills.has(id)).length, total: guards.length },
    })),
    failures: log.failures(),
    others: { ...others, killed: measured.others.filter((id) => kills.has(id)).length },
  });
  const isLost = (): boolean => !flaky.some(({ title }) => log.survived(title));

  const first = Math.min(FIRST_RERUNS, reruns);
  const begin = [calm(still), ...perturbed(1, first, still)];
  log.add(await rerunner.rerun(jobOf(task, source, begin), signal));
  if (log.broken !== undefined) return { state: 'broken', message: log.broken };
  if (isLost()) return result(new Set());
  const mutants = [...new Set([...flaky.flatMap(({ guards = [] }) => guards), ...measured.others])];
  const rest = perturbed(first + 1, reruns, still);
  const outcomes = await rerunner.rerun(
    jobOf(task, source, [...rest, ...mutants.map((id) => calm(still, id))]),
    signal,
  );
  log.add(outcomes.slice(0, rest.length));
  if (log.broken !== undefined) return { state: 'broken', message: log.broken };
  if (isLost()) return result(new Set());
  const killed = mutants.filter((_, index) => isRed(outcomes[rest.length + index], log));
  return result(new Set(killed));
}

/** Whether a test failed that passes on the unchanged module. */
function isRed(outcome: Rerun | undefined, log: RunLog): boolean {
  if (outcome === undefined) return false;
  if (outcome.state === 'broken') return true;
  return outcome.failures.some(({ test }) => !log.failed.has(test));
}

/** What the runs of a mended spec have shown. */
class RunLog {
  runs = 0;
  broken: string | undefined;
  /** By the full name. */
  readonly failed = new Map<string, { times: number; message: string }>();
  readonly passed = new Set<string>();
  readonly #titles: readonly { title: string; flaky: boolean }[];

  constructor({ tests }: Measured) {
    this.#titles = tests.map(({ title, failed }) => ({ title, flaky: failed.length > 0 }));
  }

  add(outcomes: readonly Rerun[]): void {
    for (const outcome of outcomes) {
      this.runs += 1;
      if (outcome.state === 'broken') {
        this.broken ??= outcome.message;
        continue;
      }
      for (const name of outcome.passed) this.passed.add(name);
      for (const { test, message } of outcome.failures) {
        const known = this.failed.get(test);
        this.failed.set(test, {
          times: (known?.times ?? 0) + 1,
          message: known?.message ?? message,
        });
      }
    }
  }

  /**
   * Whether a flaky test has become a sound one: it, or what stands in its place under another title, passed in every
   * run, and so did every test that is sound.
   */
  survived(title: string): boolean {
    const isOther = (name: string): boolean =>
      this.#titles.some((test) => test.flaky && test.title !== title && named(name, test.title));
    for (const name of this.failed.keys()) if (!isOther(name)) return false;
    return this.passed.size > 0;
  }

  failures(): { title: string; times: number; message: string }[] {
    return [...this.failed].map(([title, { times, message }]) => ({ title, times, message }));
  }
}

/** Whether a full name (`suite > title`) is that of a test with this title. */
function named(name: string, title: string): boolean {
  return name === title || name.endsWith(` > ${title}`);
}
