import { mean, quantile } from '../core/statistics.ts';
import type { Arrivals } from './load.ts';
import { tpotOf, type AnsweredSample, type Sample } from './sample.ts';
import { judgeSlo, keeps, type Slo, type SloVerdict } from './slo.ts';

const PERCENTILES = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 } as const;
type Percentile = keyof typeof PERCENTILES;

/** Percentiles in milliseconds; null where nothing was measured. */
export type Percentiles = Record<Percentile, number | null> & {
  n: number;
  /** Percentiles that so few values cannot tell from their largest. */
  unsound: Percentile[];
};

/** What one step of the load gave. */
export interface StepFigures {
  arrivals: Arrivals;
  requests: number;
  answered: number;
  /** How many requests failed, by class. */
  errors: Record<string, number>;
  /** From the first request to the last answer. */
  wallMs: number;
  ttftMs: Percentiles;
  tpotMs: Percentiles;
  itlMs: Percentiles;
  e2eMs: Percentiles;
  /** Of all requests together; null where the server counts no tokens. */
  outputTokensPerSecond: number | null;
  /** What one request gets, from its start to its end: the median. */
  outputTokensPerSecondPerUser: number | null;
  requestsPerSecond: number;
  meanInputTokens: number | null;
  meanOutputTokens: number | null;
  /** Requests that kept the objective; null without one. */
  goodput: { share: number; requestsPerSecond: number; verdict: SloVerdict } | null;
}

/** Sums up the requests of one step. */
export function figuresOf(
  arrivals: Arrivals,
  samples: readonly Sample[],
  slo: Slo | undefined,
): StepFigures {
  const answered = samples.filter((sample) => sample.state === 'answered');
  const errors: Record<string, number> = {};
  for (const sample of samples) {
    if (sample.state === 'failed') errors[sample.failure] = (errors[sample.failure] ?? 0) + 1;
  }
  const startedMs = Math.min(...samples.map((sample) => sample.startedMs));
  const endedMs = Math.max(...samples.map((sample) => sample.endedMs));
  const wallMs = samples.length === 0 ? 0 : endedMs - startedMs;
  const perSecond = (count: number): number => (wallMs > 0 ? (count / wallMs) * 1000 : 0);
  const outputs = known(answered.map(({ outputTokens }) => outputTokens));
  // A sum that lacks some answers would be too small.
  const counted = outputs.length === answered.length && outputs.length > 0;
  const rates = known(answered.map(userRate));
  return {
    arrivals,
    requests: samples.length,
    answered: answered.length,
    errors,
    wallMs,
    ttftMs: percentilesOf(known(answered.map(({ ttftMs }) => ttftMs))),
    tpotMs: percentilesOf(known(answered.map(tpotOf))),
    itlMs: percentilesOf(answered.flatMap(({ gapsMs }) => gapsMs)),
    e2eMs: percentilesOf(answered.map((sample) => sample.endedMs - sample.startedMs)),
    outputTokensPerSecond: counted ? perSecond(outputs.reduce((a, b) => a + b, 0)) : null,
    outputTokensPerSecondPerUser: percentilesOf(rates).p50,
    requestsPerSecond: perSecond(answered.length),
    meanInputTokens: meanOf(known(answered.map(({ inputTokens }) => inputTokens))),
    meanOutputTokens: meanOf(outputs),
    goodput: slo === undefined ? null : goodputOf(samples, slo, perSecond),
  };
}

function goodputOf(
  samples: readonly Sample[],
  slo: Slo,
  perSecond: (count: number) => number,
): StepFigures['goodput'] {
  const good = samples.filter((sample) => keeps(sample, slo)).length;
  return {
    share: samples.length === 0 ? 0 : good / samples.length,
    requestsPerSecond: perSecond(good),
    verdict: judgeSlo(good, samples.length),
  };
}

function userRate({ outputTokens, startedMs, endedMs }: AnsweredSample): number | null {
  return outputTokens === null || endedMs <= startedMs
    ? null
    : (outputTokens / (endedMs - startedMs)) * 1000;
}

function percentilesOf(values: readonly number[]): Percentiles {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  const at = (p: number): number | null => (n === 0 ? null : quantile(sorted, p));
  const { p50, p90, p95, p99 } = PERCENTILES;
  const unsound = percentileNames.filter((name) => n * (1 - PERCENTILES[name]) < 1 - 1e-9);
  return { p50: at(p50), p90: at(p90), p95: at(p95), p99: at(p99), n, unsound };
}

const percentileNames: readonly Percentile[] = ['p50', 'p90', 'p95', 'p99'];

function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : mean(values);
}

function known(values: readonly (number | null)[]): number[] {
  return values.filter((value) => value !== null);
}
