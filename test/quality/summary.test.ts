import { describe, expect, it } from 'vitest';
import { summarize } from '../../src/quality/summary.ts';
import { erroredTask, gradedTask } from './results.ts';

describe('summarize', () => {
  it('takes times and speed from measured answers alone', () => {
    const tasks = [
      gradedTask('a', 5),
      gradedTask('b', 5, { latencyMs: 2100, ttftMs: 100, outputTokens: 201 }),
      gradedTask('c', 8, { replayed: true, latencyMs: 1, ttftMs: 1, outputTokens: 10_000 }),
    ];
    const side = summarize('x', tasks, 0);
    expect(side.meanScore).toBe(6);
    expect(side.latencyMs).toEqual({ p50: 1550, p95: 2045, p99: 2089, measured: 2, cached: 1 });
    expect(side.ttftMs.measured).toBe(2);
    // (90 + 200) tokens in (900 + 2000) ms
    expect(side.tokensPerSecond).toBeCloseTo(100, 9);
  });

  it('has no value where there is nothing to measure, and never 0', () => {
    const error = erroredTask('e');
    const written = gradedTask('a', 5, {
      replayed: true,
      latencyMs: null,
      ttftMs: null,
      outputTokens: null,
    });
    expect(summarize('x', [written, error], null)).toMatchObject({
      meanScore: 5,
      latencyMs: { p50: null, p95: null, p99: null, measured: 0, cached: 1 },
      tokensPerSecond: null,
      scorePer1kOutputTokens: null,
      costUsd: null,
    });
    expect(summarize('x', [error], 0).meanScore).toBeNull();
  });

  it('relates the score to the tokens it took', () => {
    const side = summarize('x', [gradedTask('a', 5, { outputTokens: 500 })], 0);
    expect(side.scorePer1kOutputTokens).toBe(10);
  });

  it('adds up the retries of graded and failed tasks', () => {
    const tasks = [gradedTask('a', 5, { errorRetries: 2 }), erroredTask('b', { errorRetries: 1 })];
    expect(summarize('x', tasks, 0).errorRetries).toBe(3);
  });
});
