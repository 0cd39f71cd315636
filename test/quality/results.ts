import type { ErroredTask, GradedTask, SideReport } from '../../src/quality/result.ts';
import type { RunPlan } from '../../src/quality/run/plan.ts';
import { summarize } from '../../src/quality/summary.ts';

type TestGeneration = GradedTask & { category: 'test-generation' };

/** A graded task of test generation about which nothing is known. */
export function gradedTask(
  id: string,
  score: number,
  change: Partial<TestGeneration> = {},
): GradedTask {
  return {
    id,
    category: 'test-generation',
    complexity: 'simple',
    cluster: id,
    repeat: 0,
    errorRetries: 0,
    state: 'graded',
    score,
    parts: [],
    evidence: {
      rubric: 'linear',
      extraction: { source: 'fence', blocks: 1 },
      truncated: false,
      looped: false,
      parses: true,
      typeErrors: [],
      tests: [],
      statements: { covered: 0, checked: 0, total: 0, reference: 0 },
      branches: { covered: 0, checked: 0, total: 0, reference: 0 },
      uncoveredLines: [],
      mutants: [],
      boundaryClasses: { seen: [], expected: [] },
    },
    latencyMs: 1000,
    ttftMs: 100,
    outputTokens: 91,
    replayed: false,
    ...change,
  };
}

/** The same in code review. */
export function reviewedTask(
  id: string,
  score: number,
  change: { cluster?: string } = {},
): GradedTask {
  return {
    id,
    category: 'code-review',
    complexity: 'simple',
    cluster: id,
    repeat: 0,
    errorRetries: 0,
    state: 'graded',
    score,
    parts: [],
    evidence: {
      truncated: false,
      looped: false,
      json: 'valid',
      defects: [],
      findings: [],
      precision: 0,
      recall: 0,
    },
    latencyMs: 1000,
    ttftMs: 100,
    outputTokens: 91,
    replayed: false,
    ...change,
  };
}

export function erroredTask(id: string, change: Partial<ErroredTask> = {}): ErroredTask {
  return {
    id,
    category: 'test-generation',
    complexity: 'simple',
    cluster: id,
    repeat: 0,
    errorRetries: 0,
    state: 'error',
    error: { code: 'provider.engine-crashed', message: 'gone' },
    ...change,
  };
}

/** One side with tasks of these scores, `t0`, `t1`, … */
export function sideOf(scores: readonly number[], id = 'x'): SideReport {
  return summarize(
    id,
    scores.map((score, index) => gradedTask(`t${index}`, score)),
    0,
  );
}

export const PLAN: RunPlan = {
  version: 2,
  suiteFolder: '/suite',
  suiteName: 'tiny',
  suiteHash: 'abc',
  taskIds: ['t1', 't2'],
  candidates: ['ollama:small'],
  reference: 'replay:gold',
  seed: 1,
  repeats: 1,
  maxTokens: 100,
  temperature: 0,
  rubric: 'linear',
  shard: null,
  thresholds: {},
  maxCostUsd: null,
};
