import { ratioOfMeans } from '../../core/intervals.ts';
import { mean } from '../../core/statistics.ts';
import type { ValidationPlan } from './plan.ts';
import type { Tallies } from './store.ts';

/** What a fleet must reach to be called independent (the plan's M4.5). */
export const CRITERIA = {
  /** Least share of the requests that local targets answered. */
  local: 0.99,
  /** Share that the cloud answered; it must stay below. */
  cloud: 0.01,
  /** Least ratio of the mean score to that of the written answers. */
  quality: 0.95,
  /** Milliseconds that the median and the 95th percentile must stay below. */
  p50Ms: 2000,
  p95Ms: 5000,
  /** Dollars a month that the cost must stay below. */
  monthlyUsd: 500,
  /** Least share of the requests that were answered at all. */
  uptime: 0.999,
};

export type CriterionName = keyof typeof CRITERIA;

export interface Criterion {
  name: CriterionName;
  /** `unknown` where nothing was measured that it could be judged by; `why` says so. */
  state: 'met' | 'missed' | 'unknown';
  /** `null` where it is unknown. */
  value: number | null;
  limit: number;
  why?: string;
}

export interface IndependenceReport {
  schema: 'aqe-llm/validation@1';
  run: { id: string; startedAt: string; finishedAt: string; plan: ValidationPlan };
  /** Tasks of the suite that the variations were made from; these are the independent units. */
  bases: number;
  /** Test-generation tasks that no variations could be made of. */
  unvaried: string[];
  tasks: { total: number; answered: number; local: number; cloud: number; duplicates: number };
  errors: { code: string; count: number }[];
  latency: { p50Ms: number | null; p95Ms: number | null; timed: number };
  cost: { usd: number; unpriced: number; monthlyUsd: number | null };
  quality: {
    /** Answers that were run; all others count for nothing here. */
    graded: number;
    /** 0 to 10. */
    candidate: number | null;
    gold: number | null;
    ratio: number | null;
    /** One-sided 95 % bound, by tasks of the suite. */
    lower: number | null;
    /** Of the graded ones: where the suite's own answer to the unchanged constants fails. */
    changed: number;
  };
  criteria: Criterion[];
  verdict: 'independent' | 'not-independent' | 'inconclusive';
}

/** The report over a finished run; pure. */
export function independenceOf(
  run: IndependenceReport['run'],
  tallies: Tallies,
  bases: { bases: number; unvaried: readonly string[] },
): IndependenceReport {
  const { done, answered, cloud, duplicates, graded, usd, unpriced } = tallies;
  const { p50Ms, p95Ms, timed } = tallies;
  const { plan } = run;
  const pairs = graded.map(({ base, score, goldScore }) => ({
    stratum: 'test-generation',
    cluster: base,
    candidate: score,
    reference: goldScore,
  }));
  const interval = ratioOfMeans(pairs, plan.seed);
  const meanOf = (pick: (answer: (typeof graded)[number]) => number): number | null =>
    graded.length === 0 ? null : mean(graded.map(pick));
  const monthlyUsd =
    answered === 0 || unpriced > 0
      ? null
      : (usd / answered) * plan.monthlyRequests + plan.infrastructureUsd;
  const share = (count: number): number | null => (answered === 0 ? null : count / answered);
  const replayed =
    timed === 0 && answered > 0 ? 'the answers were replayed: nobody timed them' : '';

  const criteria: Criterion[] = [
    atLeast('local', share(answered - cloud), 'nothing was answered'),
    below('cloud', share(cloud), 'nothing was answered'),
    atLeast(
      'quality',
      interval?.ratio ?? null,
      'answers to fewer than two tasks of the suite were run',
    ),
    below('p50Ms', p50Ms, replayed || 'nothing was answered'),
    below('p95Ms', p95Ms, replayed || 'nothing was answered'),
    below(
      'monthlyUsd',
      monthlyUsd,
      unpriced > 0 ? `${unpriced} answers have no known price` : 'nothing was answered',
    ),
    atLeast('uptime', done === 0 ? null : answered / done, 'nothing was asked'),
  ];
  return {
    schema: 'aqe-llm/validation@1',
    run,
    bases: bases.bases,
    unvaried: [...bases.unvaried],
    tasks: { total: done, answered, local: answered - cloud, cloud, duplicates },
    errors: tallies.errors,
    latency: { p50Ms, p95Ms, timed },
    cost: { usd, unpriced, monthlyUsd },
    quality: {
      graded: graded.length,
      candidate: meanOf(({ score }) => score),
      gold: meanOf(({ goldScore }) => goldScore),
      ratio: interval?.ratio ?? null,
      lower: interval?.lower ?? null,
      changed: graded.filter(({ changed }) => changed).length,
    },
    criteria,
    verdict: criteria.some(({ state }) => state === 'missed')
      ? 'not-independent'
      : criteria.some(({ state }) => state === 'unknown')
        ? 'inconclusive'
        : 'independent',
  };
}

function atLeast(name: CriterionName, value: number | null, unknown: string): Criterion {
  return criterion(name, value, unknown, (found, limit) => found >= limit);
}

function below(name: CriterionName, value: number | null, unknown: string): Criterion {
  return criterion(name, value, unknown, (found, limit) => found < limit);
}

function criterion(
  name: CriterionName,
  value: number | null,
  unknown: string,
  holds: (value: number, limit: number) => boolean,
): Criterion {
  const limit = CRITERIA[name];
  if (value === null) return { name, state: 'unknown', value, limit, why: unknown };
  return { name, state: holds(value, limit) ? 'met' : 'missed', value, limit };
}
