import { mean, quantile } from '../core/statistics.ts';
import type { GradedTask, LatencySummary, SideReport, TaskResult } from './result.ts';

/**
 * Sums up one side of a run. Only answers measured in this run count for times and speed.
 * @param costUsd of this run's answers; null where it is not known
 */
export function summarize(id: string, tasks: TaskResult[], costUsd: number | null): SideReport {
  const graded = tasks.filter((task) => task.state === 'graded');
  const measured = graded.filter((task) => !task.replayed);
  return {
    id,
    meanScore: graded.length === 0 ? null : mean(graded.map((task) => task.score)),
    latencyMs: summaryOf(graded, (task) => task.latencyMs),
    ttftMs: summaryOf(graded, (task) => task.ttftMs),
    tokensPerSecond: speedOf(measured),
    scorePer1kOutputTokens: scorePerTokens(graded),
    costUsd,
    errorRetries: tasks.reduce((sum, task) => sum + task.errorRetries, 0),
    tasks,
  };
}

function summaryOf(
  graded: readonly GradedTask[],
  pick: (task: GradedTask) => number | null,
): LatencySummary {
  const times = graded
    .filter((task) => !task.replayed)
    .map(pick)
    .filter((time) => time !== null)
    .sort((a, b) => a - b);
  const at = (p: number): number | null => (times.length === 0 ? null : quantile(times, p));
  return {
    p50: at(0.5),
    p95: at(0.95),
    p99: at(0.99),
    measured: times.length,
    cached: graded.filter((task) => task.replayed).length,
  };
}

/** Tokens after the first, over the time after the first: the speed of generation without the prompt's. */
function speedOf(measured: readonly GradedTask[]): number | null {
  let tokens = 0;
  let ms = 0;
  for (const { outputTokens, latencyMs, ttftMs } of measured) {
    if (outputTokens === null || latencyMs === null || ttftMs === null) continue;
    tokens += Math.max(0, outputTokens - 1);
    ms += latencyMs - ttftMs;
  }
  return ms > 0 ? (tokens / ms) * 1000 : null;
}

function scorePerTokens(graded: readonly GradedTask[]): number | null {
  let score = 0;
  let tokens = 0;
  for (const task of graded) {
    if (task.outputTokens === null) return null;
    score += task.score;
    tokens += task.outputTokens;
  }
  return tokens > 0 ? (score / tokens) * 1000 : null;
}
