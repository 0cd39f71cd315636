import { describe, expect, it } from 'vitest';
import { summarize } from '../../src/quality/summary.ts';
import type { GradedTask, TaskResult } from '../../src/quality/result.ts';

function task(
  id: string,
  change: Partial<GradedTask & { category: 'test-generation' }>,
): GradedTask {
  return {
    id,
    category: 'test-generation',
    complexity: 'simple',
    repeat: 0,
    state: 'graded',
    score: 5,
    parts: [],
    evidence: {
      rubric: 'linear',
      extraction: { source: 'none', blocks: 0 },
      truncated: false,
      looped: false,
      parses: false,
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

describe('summarize', () => {
  it('takes times and speed from measured answers alone', () => {
    const tasks = [
      task('a', {}),
      task('b', { latencyMs: 2100, ttftMs: 100, outputTokens: 201 }),
      task('c', { replayed: true, latencyMs: 1, ttftMs: 1, outputTokens: 10_000, score: 8 }),
    ];
    const side = summarize('x', tasks);
    expect(side.meanScore).toBe(6);
    expect(side.latencyMs).toEqual({ p50: 1550, p95: 2045, p99: 2089, measured: 2, cached: 1 });
    expect(side.ttftMs.measured).toBe(2);
    // (90 + 200) tokens in (900 + 2000) ms
    expect(side.tokensPerSecond).toBeCloseTo(100, 9);
  });

  it('has no value where there is nothing to measure, and never 0', () => {
    const error: TaskResult = {
      id: 'e',
      category: 'test-generation',
      complexity: 'simple',
      repeat: 0,
      state: 'error',
      error: { code: 'c', message: 'm' },
    };
    const written = task('a', {
      replayed: true,
      latencyMs: null,
      ttftMs: null,
      outputTokens: null,
    });
    expect(summarize('x', [written, error])).toMatchObject({
      meanScore: 5,
      latencyMs: { p50: null, p95: null, p99: null, measured: 0, cached: 1 },
      tokensPerSecond: null,
      scorePer1kOutputTokens: null,
    });
    expect(summarize('x', [error]).meanScore).toBeNull();
  });

  it('relates the score to the tokens it took', () => {
    expect(summarize('x', [task('a', { outputTokens: 500 })]).scorePer1kOutputTokens).toBe(10);
  });
});
