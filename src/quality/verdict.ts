import { ExitCode } from '../core/errors.ts';
import { mean, ratioOfMeans, type Pair } from '../core/statistics.ts';
import type { GradedTask, TaskResult, Verdict } from './result.ts';

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

export interface JudgedSide {
  tasks: readonly TaskResult[];
}

/**
 * The one place where a verdict is made: table, JSON, JUnit, page and exit code all read it.
 * @param clusterOf the cluster of a task id (tasks that share a source file)
 * @param seed of the bootstrap
 */
export function judge(
  candidate: JudgedSide,
  reference: JudgedSide,
  clusterOf: (taskId: string) => string,
  seed: number,
): Verdict {
  const pairs = pairUp(candidate.tasks, reference.tasks, clusterOf);
  const interval = ratioOfMeans(pairs, seed);
  const reasons = doubts(candidate, reference, pairs);
  const numbers = {
    ratio: interval?.ratio ?? null,
    lower: interval?.lower ?? null,
    upper: interval?.upper ?? null,
    strict: interval !== undefined && interval.lower >= RULE.pass,
  };
  if (interval === undefined || reasons.length > 0) {
    if (reasons.length === 0) reasons.push('fewer than two independent tasks were graded');
    return { state: 'inconclusive', ...numbers, strict: false, reasons };
  }
  const { ratio, lower } = interval;
  if (ratio < RULE.marginal) {
    reasons.push(`ratio ${percent(ratio)} is below ${percent(RULE.marginal)}`);
    return { state: 'fail', ...numbers, reasons };
  }
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

/** 0 pass · 1 fail, and marginal unless allowed · 4 inconclusive. */
export function exitCodeOf(verdict: Verdict, allowMarginal: boolean): ExitCode {
  switch (verdict.state) {
    case 'pass':
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
  clusterOf: (taskId: string) => string,
): Pair[] {
  const key = (task: TaskResult): string => `${task.id} ${task.repeat}`;
  const references = new Map(graded(reference).map((task) => [key(task), task]));
  return graded(candidate).flatMap((task) => {
    const other = references.get(key(task));
    if (other === undefined) return [];
    return {
      stratum: task.category,
      cluster: clusterOf(task.id),
      candidate: task.score,
      reference: other.score,
    };
  });
}

function graded(tasks: readonly TaskResult[]): GradedTask[] {
  return tasks.filter((task) => task.state === 'graded');
}

function doubts(candidate: JudgedSide, reference: JudgedSide, pairs: readonly Pair[]): string[] {
  const reasons: string[] = [];
  for (const [name, side] of [
    ['candidate', candidate],
    ['reference', reference],
  ] as const) {
    const errors = side.tasks.length - graded(side.tasks).length;
    if (errors > side.tasks.length * RULE.maxErrorShare) {
      reasons.push(
        `${errors} of ${side.tasks.length} tasks of the ${name} ended in an infrastructure error (more than ${RULE.maxErrorShare * 100} %)`,
      );
    }
  }
  const referenceMean = mean(pairs.map((pair) => pair.reference));
  if (pairs.length > 0 && referenceMean < RULE.floor) {
    reasons.push(
      `the reference itself scores ${referenceMean.toFixed(2)} of 10, below the floor of ${RULE.floor}: a ratio to it says nothing`,
    );
  }
  return reasons;
}

/** Cut, not rounded: 0.8996 must not read as the 90.0 % that it failed to reach. */
function percent(share: number): string {
  return `${(Math.floor(share * 1000 + 1e-9) / 10).toFixed(1)} %`;
}
