import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GradedTask, TaskResult } from '../../src/quality/result.ts';
import { exitCodeOf, judge } from '../../src/quality/verdict.ts';

function graded(id: string, score: number): GradedTask {
  return {
    id,
    category: 'test-generation',
    complexity: 'simple',
    repeat: 0,
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
    latencyMs: 1,
    ttftMs: null,
    outputTokens: null,
    replayed: false,
  };
}

function errored(id: string): TaskResult {
  return {
    id,
    category: 'test-generation',
    complexity: 'simple',
    repeat: 0,
    state: 'error',
    error: { code: 'provider.engine-crashed', message: 'gone' },
  };
}

const side = (scores: readonly number[]): { tasks: TaskResult[] } => ({
  tasks: scores.map((score, index) => graded(`t${index}`, score)),
});
const verdictOf = (candidate: readonly number[], reference: readonly number[]) =>
  judge(side(candidate), side(reference), (id) => id, 1);

describe('judge', () => {
  it('passes equals, strictly', () => {
    const verdict = verdictOf([10, 9, 10], [10, 9, 10]);
    expect(verdict).toMatchObject({ state: 'pass', ratio: 1, lower: 1, strict: true });
    expect(exitCodeOf(verdict, false)).toBe(0);
  });

  it('fails below 0.85', () => {
    const verdict = verdictOf([8, 8, 8], [10, 10, 10]);
    expect(verdict.state).toBe('fail');
    expect(exitCodeOf(verdict, true)).toBe(1);
  });

  it('is marginal between 0.85 and 0.90', () => {
    const verdict = verdictOf([8.8, 8.7, 8.9], [10, 10, 10]);
    expect(verdict.state).toBe('marginal');
    expect(exitCodeOf(verdict, false)).toBe(1);
    expect(exitCodeOf(verdict, true)).toBe(0);
  });

  it('is marginal when the ratio is high and the interval wide', () => {
    const verdict = verdictOf([10, 10, 7.5], [10, 10, 10]);
    expect(verdict.ratio).toBeCloseTo(0.9167, 3);
    expect(verdict.state).toBe('marginal');
  });

  it('says nothing against a reference below the floor', () => {
    const verdict = verdictOf([4, 4, 4], [4, 4, 4]);
    expect(verdict.state).toBe('inconclusive');
    expect(verdict.reasons[0]).toContain('floor');
    expect(exitCodeOf(verdict, true)).toBe(4);
  });

  it('says nothing when more than 5 % of a side are infrastructure errors', () => {
    const reference = side(Array.from({ length: 19 }, () => 10));
    const candidate = { tasks: [...reference.tasks.slice(0, 17), errored('t17'), errored('t18')] };
    const verdict = judge(candidate, reference, (id) => id, 1);
    expect(verdict.state).toBe('inconclusive');
    expect(verdict.reasons[0]).toContain('2 of 19 tasks of the candidate');
  });

  it('stands one infrastructure error in twenty', () => {
    const reference = side(Array.from({ length: 20 }, () => 10));
    const candidate = { tasks: [...reference.tasks.slice(0, 19), errored('t19')] };
    expect(judge(candidate, reference, (id) => id, 1).state).toBe('pass');
  });

  it('says nothing for nothing', () => {
    expect(verdictOf([], [])).toMatchObject({ state: 'inconclusive', ratio: null, lower: null });
  });

  it('never passes below the thresholds, whatever the scores', () => {
    const score = fc.double({ min: 0, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(score, score), { maxLength: 12 }), (tasks) => {
        const verdict = verdictOf(
          tasks.map(([candidate]) => candidate),
          tasks.map(([, reference]) => reference),
        );
        if (verdict.state === 'pass') {
          expect(verdict.ratio).toBeGreaterThanOrEqual(0.9);
          expect(verdict.lower).toBeGreaterThanOrEqual(0.85);
        }
        if (verdict.strict) expect(verdict.state).toBe('pass');
      }),
    );
  });
});
