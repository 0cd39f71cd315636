import { describe, expect, it } from 'vitest';
import {
  independenceOf,
  type CriterionName,
  type IndependenceReport,
} from '../../../src/quality/validate/independence.ts';
import { sampleOf, type ValidationPlan } from '../../../src/quality/validate/plan.ts';
import { validationMarkdown, validationTable } from '../../../src/quality/validate/render.ts';
import type { Tallies } from '../../../src/quality/validate/store.ts';

const PLAN: ValidationPlan = {
  suiteFolder: '/suite',
  suiteName: 'qe-100',
  suiteHash: 'ff',
  candidate: 'router',
  tasks: 1000,
  graded: 4,
  seed: 1,
  maxTokens: 2048,
  temperature: 0,
  monthlyRequests: 43_200,
  infrastructureUsd: 0,
};

const graded = (base: string, score: number, goldScore = 10) => ({
  task: 0,
  base,
  score,
  goldScore,
  changed: true,
});

const GOOD: Tallies = {
  done: 1000,
  answered: 999,
  cloud: 9,
  duplicates: 0,
  p50Ms: 1999,
  p95Ms: 4999,
  timed: 999,
  usd: 9.99,
  unpriced: 0,
  errors: [{ code: 'provider.timeout', count: 1 }],
  graded: [graded('a', 9.5), graded('b', 9.5)],
};

function report(
  changes: Partial<Tallies> = {},
  plan: Partial<ValidationPlan> = {},
): IndependenceReport {
  const run = { id: 'r1', startedAt: 'then', finishedAt: 'now', plan: { ...PLAN, ...plan } };
  return independenceOf(run, { ...GOOD, ...changes }, { bases: 39, unvaried: ['tg-x'] });
}

const stateOf = ({ criteria }: IndependenceReport, name: CriterionName): string | undefined =>
  criteria.find((criterion) => criterion.name === name)?.state;

describe('a criterion', () => {
  it.each<[CriterionName, Partial<Tallies>, Partial<Tallies>]>([
    ['local', { answered: 1000, done: 1000, cloud: 10 }, { answered: 1000, cloud: 11 }],
    ['cloud', { answered: 1000, cloud: 9 }, { answered: 1000, cloud: 10 }],
    [
      'quality',
      { graded: [graded('a', 9.5), graded('b', 9.5)] },
      { graded: [graded('a', 9.4), graded('b', 9.5)] },
    ],
    ['p50Ms', { p50Ms: 1999.9 }, { p50Ms: 2000 }],
    ['p95Ms', { p95Ms: 4999.9 }, { p95Ms: 5000 }],
    ['monthlyUsd', { answered: 1000, usd: 11.5 }, { answered: 1000, usd: 11.6 }],
    ['uptime', { done: 1000, answered: 999 }, { done: 1000, answered: 998 }],
  ])('%s is met at its limit and missed beyond', (name, met, missed) => {
    expect(stateOf(report(met), name)).toBe('met');
    expect(stateOf(report(missed), name)).toBe('missed');
  });

  it.each<[CriterionName, Partial<Tallies>, string]>([
    ['quality', { graded: [] }, 'answers to fewer than two tasks of the suite were run'],
    [
      'quality',
      { graded: [graded('a', 9), graded('a', 9)] },
      'answers to fewer than two tasks of the suite were run',
    ],
    ['p95Ms', { p95Ms: null, timed: 0 }, 'the answers were replayed: nobody timed them'],
    ['monthlyUsd', { unpriced: 3 }, '3 answers have no known price'],
    ['local', { answered: 0, timed: 0 }, 'nothing was answered'],
    ['uptime', { done: 0, answered: 0 }, 'nothing was asked'],
  ])('%s is unknown where nothing was measured', (name, changes, why) => {
    const found = report(changes).criteria.find((criterion) => criterion.name === name);
    expect(found).toMatchObject({ state: 'unknown', value: null, why });
  });

  it('reckons a month from what was answered, and adds the machines', () => {
    const cost = (usd: number, plan: Partial<ValidationPlan>) =>
      report({ answered: 1000, usd }, plan).cost.monthlyUsd;
    expect(cost(10, { monthlyRequests: 5000 })).toBe(50);
    expect(cost(0, { infrastructureUsd: 500 })).toBe(500);
    expect(stateOf(report({}, { infrastructureUsd: 500 }), 'monthlyUsd')).toBe('missed');
  });
});

describe('the verdict', () => {
  it('is independent only where every criterion is met', () => {
    expect(report().verdict).toBe('independent');
    expect(report({ p50Ms: null, p95Ms: null, timed: 0 }).verdict).toBe('inconclusive');
    expect(report({ p50Ms: null, p95Ms: null, timed: 0, cloud: 500 }).verdict).toBe(
      'not-independent',
    );
  });

  it('tells shares, scores and what was not looked at', () => {
    const told = report();
    expect(told.tasks).toEqual({ total: 1000, answered: 999, local: 990, cloud: 9, duplicates: 0 });
    expect(told.quality).toMatchObject({
      graded: 2,
      candidate: 9.5,
      gold: 10,
      ratio: 0.95,
      changed: 2,
    });
    const table = validationTable(told);
    expect(table).toContain('INDEPENDENT: every criterion is met. router, run r1');
    expect(table).toContain('The other 997 were not looked at.');
    expect(table).toContain('Not answered: 1 × provider.timeout.');
    expect(table).toContain('No variations could be made of tg-x.');
    const markdown = validationMarkdown(told);
    expect(markdown).toContain('| requests answered at all | 99.9 % | ≥ 99.9 % | met |');
    expect(markdown.split('\n').every((line) => !line.includes('undefined'))).toBe(true);
  });
});

describe('the sample', () => {
  it('has as many of each task as of any other, spread over the run', () => {
    const sample = sampleOf(10_000, 200, 39);
    expect(sample.size).toBe(200);
    const perBase = new Map<number, number>();
    for (const index of sample) perBase.set(index % 39, (perBase.get(index % 39) ?? 0) + 1);
    expect(perBase.size).toBe(39);
    expect([...perBase.values()].every((count) => count === 5 || count === 6)).toBe(true);
    expect(Math.max(...sample)).toBeGreaterThan(8000);
    expect(Math.max(...sample)).toBeLessThan(10_000);
  });

  it.each([
    [10, 10, 3],
    [10, 99, 3],
    [10, 0, 3],
    [10, 1, 3],
    [10, 9, 3],
    [5, 4, 39],
    [1, 1, 1],
  ])('of %s tasks, %s wanted, %s bases, holds as many as there are', (tasks, wanted, bases) => {
    const sample = sampleOf(tasks, wanted, bases);
    expect(sample.size).toBe(Math.min(tasks, wanted));
    for (const index of sample) expect(index).toBeLessThan(tasks);
  });
});
