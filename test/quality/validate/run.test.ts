import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { ProviderFailure } from '../../../src/providers/failure.ts';
import { loadSuite, type Suite } from '../../../src/quality/suites/suite.ts';
import { testGenerationTasks } from '../../../src/quality/validate/bases.ts';
import type { IndependenceReport } from '../../../src/quality/validate/independence.ts';
import type { ValidationPlan } from '../../../src/quality/validate/plan.ts';
import {
  runValidation,
  type ValidationDeps,
  type ValidationEvent,
} from '../../../src/quality/validate/run.ts';
import {
  createValidationStore,
  type ValidationStore,
} from '../../../src/quality/validate/store.ts';
import { createVariations } from '../../../src/quality/validate/variation.ts';
import type { RouteAnswer, Router } from '../../../src/routing/router.ts';
import { openDatabase, type Database } from '../../../src/storage/database.ts';

const SUITE = fileURLToPath(new URL('../../../fixtures/suites/qe-100', import.meta.url));
let suite: Suite;
let folder: string;
let database: Database;
let store: ValidationStore;

beforeAll(async () => {
  suite = await loadSuite(SUITE);
});
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-validate-'));
  database = openDatabase(folder);
  store = createValidationStore(database);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const PLAN: ValidationPlan = {
  suiteFolder: SUITE,
  suiteName: 'qe-100',
  suiteHash: 'ff',
  candidate: 'router',
  tasks: 120,
  graded: 0,
  seed: 1,
  maxTokens: 64,
  temperature: 0,
  monthlyRequests: 1000,
  infrastructureUsd: 0,
};

const DECISION: RouteAnswer['decision'] = {
  policy: 'test',
  narrowedBy: [],
  strategy: 'adaptive',
  description: {
    category: 'test-generation',
    complexity: 'simple',
    confidence: 1,
    promptTokens: 1,
    features: {},
  },
  ladder: [{ tier: 'direct', spec: 'ollama:m', maySeePrivate: true }],
  confidence: 1,
  reasons: [],
  rejected: [],
  neighbours: [],
};

function answered(changes: Partial<RouteAnswer>, measured = true): RouteAnswer {
  return {
    requestId: 'x',
    completion: {
      model: 'm',
      text: '',
      finishReason: 'stop',
      usage: {},
      timing: { measured },
    },
    tier: 'direct',
    target: 'ollama:m',
    decision: DECISION,
    attempts: 1,
    totalMs: 10,
    overheadMs: 1,
    usd: 0,
    dropped: 0,
    ...changes,
  };
}

/** A validation whose router answers the nth request as told. */
function validation(
  complete: (nth: number, request: Parameters<Router['complete']>[0]) => Promise<RouteAnswer>,
  plan: Partial<ValidationPlan> = {},
) {
  let asked = 0;
  const deps: ValidationDeps = {
    store,
    router: { complete: (request) => complete((asked += 1), request) },
    kinds: {
      executor: { execute: () => Promise.reject(new Error('not to be run')) },
      typeCheck: () => [],
    },
    clock: {
      now: () => 0,
      monotonic: () => performance.now(),
      sleep: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    },
    concurrency: 3,
    template: suite.prompts['test-generation'] ?? '',
    variations: createVariations(testGenerationTasks(suite.tasks), 1),
  };
  const run = { id: 'v1', plan: { ...PLAN, ...plan }, startedAt: 'then' };
  return { run, deps, asked: () => asked };
}

async function reportOf(events: AsyncIterable<ValidationEvent>): Promise<IndependenceReport> {
  for await (const event of events) if (event.type === 'finished') return event.report;
  throw new Error('no report');
}

const never = new AbortController().signal;

it('asks every task once and tells what became of it', async () => {
  const prompts = new Set<string>();
  const { run, deps, asked } = validation(async (nth, request) => {
    prompts.add(request.messages[0]?.content ?? '');
    expect(request).toMatchObject({ category: 'test-generation', maxTokens: 64 });
    if (nth % 40 === 0) throw new ProviderFailure('timeout', 'too slow');
    return answered(nth % 10 === 1 ? { tier: 'cloud', usd: 0.5, totalMs: 100 } : {});
  });
  store.create(run);
  const report = await reportOf(runValidation(run, deps, never));
  expect([asked(), prompts.size]).toEqual([120, 120]);
  expect(report.tasks).toEqual({ total: 120, answered: 117, local: 105, cloud: 12, duplicates: 0 });
  expect(report.errors).toEqual([{ code: 'provider.timeout', count: 3 }]);
  expect(report.latency).toEqual({ p50Ms: 10, p95Ms: 100, timed: 117 });
  expect(report.cost.usd).toBe(6);
  expect(report.verdict).toBe('not-independent');
  expect(store.find('v1')?.finished).toBe(true);
});

it('leaves replayed times and unknown prices out', async () => {
  const { run, deps } = validation(async (nth) => {
    const { usd: _, ...unpriced } = answered({}, nth > 20);
    return nth <= 5 ? unpriced : answered({ totalMs: nth }, nth > 20);
  });
  store.create(run);
  const report = await reportOf(runValidation(run, deps, never));
  expect(report.latency.timed).toBe(100);
  expect(report.cost).toMatchObject({ unpriced: 5, monthlyUsd: null });
});

it('goes on where it stopped, asking nothing twice', async () => {
  const stop = new AbortController();
  const seen: string[] = [];
  const first = validation(async (nth, request) => {
    seen.push(request.messages[0]?.content ?? '');
    if (nth === 70) stop.abort(new Error('enough'));
    return answered({});
  });
  store.create(first.run);
  await expect(reportOf(runValidation(first.run, first.deps, stop.signal))).rejects.toThrow(
    'enough',
  );
  const kept = [...store.done('v1')].length;
  expect(kept).toBeGreaterThanOrEqual(67);
  expect(store.find(undefined)).toMatchObject({ id: 'v1', finished: false });

  const second = validation(async (_, request) => {
    seen.push(request.messages[0]?.content ?? '');
    return answered({});
  });
  const events: ValidationEvent[] = [];
  for await (const event of runValidation(second.run, second.deps, never)) events.push(event);
  expect(events[0]).toEqual({ type: 'started', done: kept, total: 120 });
  expect(second.asked()).toBe(120 - kept);
  expect(new Set(seen).size).toBe(120);
  expect(events.at(-1)).toMatchObject({ type: 'finished', report: { tasks: { total: 120 } } });
});

it('ends with what is no failure of a provider', async () => {
  const { run, deps } = validation(async () => {
    throw new TypeError('a mistake');
  });
  store.create(run);
  await expect(reportOf(runValidation(run, deps, never))).rejects.toThrow('a mistake');
});

it('counts prompts that come again', () => {
  store.create({ id: 'v2', plan: PLAN, startedAt: 'then' });
  const outcome = (task: number, hash: string) => ({
    task,
    base: 'a',
    hash: Buffer.from(hash),
    answer: { state: 'answered' as const, tier: 'direct', target: 't', totalMs: null, usd: 0 },
  });
  store.save('v2', [outcome(0, 'x'), outcome(1, 'y'), outcome(2, 'x')]);
  expect(store.tallies('v2')).toMatchObject({ done: 3, duplicates: 1, p50Ms: null, timed: 0 });
});

it('refuses a run of another version', () => {
  store.create({ id: 'v3', plan: { ...PLAN, tasks: 0 }, startedAt: 'then' });
  expect(() => store.find('v3')).toThrow('another version');
});
