import { ExitCode } from '../core/errors.ts';
import { ratioOfMeans, type Pair } from '../core/intervals.ts';
import { mean } from '../core/statistics.ts';
import { powerOf } from './power.ts';
import type {
  CategoryReport,
  GradedTask,
  RunFacts,
  SideReport,
  TaskResult,
  Verdict,
} from './result.ts';

/** The rule of every verdict; docs/verdict.md says why. */
export const RULE = {
  /** PASS needs a ratio of at least this … */
  pass: 0.9,
  /** … and a lower bound of at least this; it is also the least ratio that is MARGINAL. */
  marginal: 0.85,
  /** The reference's own mean score (0–10) below which the ratio says nothing. */
  floor: 5,
  /** Share of infrastructure errors above which there is no verdict. */
  maxErrorShare: 0.05,
};

type JudgedSide = Pick<SideReport, 'tasks'>;

/**
 * The one place where a verdict is made: table, JSON, JUnit, page and exit code all read it.
 * @param categories the candidate's, with their thresholds
 */
export function judge(
  candidate: JudgedSide,
  reference: JudgedSide,
  categories: readonly CategoryReport[],
  { seed, shard }: Pick<RunFacts, 'seed' | 'shard'>,
): Verdict {
  const pairs = pairUp(candidate.tasks, reference.tasks);
  const interval = ratioOfMeans(pairs, seed);
  const numbers = {
    ratio: interval?.ratio ?? null,
    lower: interval?.lower ?? null,
    upper: interval?.upper ?? null,
    strict: interval !== undefined && interval.lower >= RULE.pass,
    power: interval === undefined ? null : powerOf(interval, RULE),
  };
  if (shard !== null) {
    const reasons = [
      `this is shard ${shard.index} of ${shard.of}: the verdict comes from \`aqe-llm baseline merge\``,
    ];
    return { state: 'partial', ...numbers, strict: false, reasons };
  }
  const reasons = doubts(candidate, reference, pairs, categories);
  if (interval === undefined || reasons.length > 0) {
    if (reasons.length === 0) reasons.push('fewer than two independent tasks were graded');
    return { state: 'inconclusive', ...numbers, strict: false, reasons };
  }
  const { ratio, lower } = interval;
  const missed = categories.flatMap(missedThreshold);
  if (ratio < RULE.marginal) {
    missed.unshift(`ratio ${percent(ratio)} is below ${percent(RULE.marginal)}`);
  }
  if (missed.length > 0) return { state: 'fail', ...numbers, reasons: missed };
  if (ratio >= RULE.pass && lower >= RULE.marginal) {
    reasons.push(
      `ratio ${percent(ratio)} is at least ${percent(RULE.pass)} and its lower bound ${percent(lower)} at least ${percent(RULE.marginal)}`,
    );
    return { state: 'pass', ...numbers, reasons };
  }
  reasons.push(
    ratio < RULE.pass
      ? `ratio ${percent(ratio)} is at least ${percent(RULE.marginal)} but below ${percent(RULE.pass)}`
      : `ratio ${percent(ratio)} is high enough, but its lower bound ${percent(lower)} is below ${percent(RULE.marginal)}: more tasks would narrow it`,
  );
  return { state: 'marginal', ...numbers, reasons };
}

function missedThreshold({ category, ratio, threshold }: CategoryReport): string[] {
  if (threshold === null || ratio === null || ratio >= threshold) return [];
  return [`${category}: ratio ${percent(ratio)} is below its threshold ${percent(threshold)}`];
}

/**
 * 0 pass, and a shard · 1 fail, and marginal unless allowed · 4 inconclusive. Of several verdicts the
 * worst counts: a failure before doubt, doubt before success.
 */
export function exitCodeOf(verdicts: readonly Verdict[], allowMarginal: boolean): ExitCode {
  const codes = new Set(verdicts.map((verdict) => exitCodeOfOne(verdict, allowMarginal)));
  return (
    [ExitCode.GateFailed, ExitCode.Inconclusive].find((code) => codes.has(code)) ?? ExitCode.Ok
  );
}

function exitCodeOfOne({ state }: Verdict, allowMarginal: boolean): ExitCode {
  switch (state) {
    case 'pass':
    case 'partial':
      return ExitCode.Ok;
    case 'marginal':
      return allowMarginal ? ExitCode.Ok : ExitCode.GateFailed;
    case 'fail':
      return ExitCode.GateFailed;
    case 'inconclusive':
      return ExitCode.Inconclusive;
  }
}

/** The same task and repeat graded on both sides. */
export function pairUp(
  candidate: readonly TaskResult[],
  reference: readonly TaskResult[],
): (Pair & { id: string; repeat: number })[] {
  const key = (task: TaskResult): string => `${task.id} ${task.repeat}`;
  const references = new Map(graded(reference).map((task) => [key(task), task]));
  return graded(candidate).flatMap((task) => {
    const other = references.get(key(task));
    if (other === undefined) return [];
    const { id, repeat, category: stratum, cluster } = task;
    return { id, repeat, stratum, cluster, candidate: task.score, reference: other.score };
  });
}

function graded(tasks: readonly TaskResult[]): GradedTask[] {
  return tasks.filter((task) => task.state === 'graded');
}

function doubts(
  candidate: JudgedSide,
  reference: JudgedSide,
  pairs: readonly Pair[],
  categories: readonly CategoryReport[],
): string[] {
  const reasons: string[] = [];
  for (const [name, side] of [
    ['candidate', candidate],
    ['reference', reference],
  ] as const) {
    const errors = side.tasks.length - graded(side.tasks).length;
    if (errors > side.tasks.length * RULE.maxErrorShare) {
      reasons.push(
        `${errors} of ${side.tasks.length} tasks of the ${name} ended in an infrastructure error (more than ${RULE.maxErrorShare * 100} %): try them again with --retry-errors`,
      );
    }
  }
  const referenceMean = mean(pairs.map((pair) => pair.reference));
  if (pairs.length > 0 && referenceMean < RULE.floor) {
    reasons.push(
      `the reference itself scores ${referenceMean.toFixed(2)} of 10, below the floor of ${RULE.floor}: a ratio to it says nothing`,
    );
  }
  for (const { category, threshold, ratio } of categories) {
    // Only categories that the run has come with a threshold.
    if (threshold !== null && ratio === null) {
      reasons.push(`${category} has a threshold, and no task of it could be compared`);
    }
  }
  return reasons;
}

/** Cut, not rounded: 0.8996 must not read as the 90.0 % that it failed to reach. */
function percent(share: number): string {
  return `${(Math.floor(share * 1000 + 1e-9) / 10).toFixed(1)} %`;
}
