import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { categoryReports } from '../../src/quality/categories.ts';
import type { TaskResult, Verdict } from '../../src/quality/result.ts';
import type { RunPlan } from '../../src/quality/run/plan.ts';
import { exitCodeOf, judge } from '../../src/quality/verdict.ts';
import { erroredTask, gradedTask, reviewedTask, sideOf } from './results.ts';

interface Side {
  tasks: TaskResult[];
}

function verdict(
  candidate: Side,
  reference: Side,
  rules: Partial<Pick<RunPlan, 'thresholds' | 'shard'>> = {},
): Verdict {
  const facts = { seed: 1, thresholds: {}, shard: null, ...rules };
  return judge(candidate, reference, categoryReports(candidate, reference, facts), facts);
}

const verdictOf = (candidate: readonly number[], reference: readonly number[]) =>
  verdict(sideOf(candidate), sideOf(reference));

describe('judge', () => {
  it('passes equals, strictly', () => {
    const equal = verdictOf([10, 9, 10], [10, 9, 10]);
    expect(equal).toMatchObject({ state: 'pass', ratio: 1, lower: 1, strict: true, power: null });
    expect(exitCodeOf([equal], false)).toBe(0);
  });

  it('fails below 0.85', () => {
    const low = verdictOf([8, 8, 8], [10, 10, 10]);
    expect(low.state).toBe('fail');
    expect(exitCodeOf([low], true)).toBe(1);
  });

  it('is marginal between 0.85 and 0.90', () => {
    const between = verdictOf([8.8, 8.7, 8.9], [10, 10, 10]);
    expect(between.state).toBe('marginal');
    expect(exitCodeOf([between], false)).toBe(1);
    expect(exitCodeOf([between], true)).toBe(0);
  });

  it('is marginal when the ratio is high and the interval wide', () => {
    const wide = verdictOf([10, 10, 7.5], [10, 10, 10]);
    expect(wide.ratio).toBeCloseTo(0.9167, 3);
    expect(wide.state).toBe('marginal');
  });

  it('says nothing against a reference below the floor', () => {
    const low = verdictOf([4, 4, 4], [4, 4, 4]);
    expect(low.state).toBe('inconclusive');
    expect(low.reasons[0]).toContain('floor');
    expect(exitCodeOf([low], true)).toBe(4);
  });

  it('says nothing when more than 5 % of a side are infrastructure errors', () => {
    const reference = sideOf(Array.from({ length: 19 }, () => 10));
    const tasks = [...reference.tasks.slice(0, 17), erroredTask('t17'), erroredTask('t18')];
    const doubtful = verdict({ tasks }, reference);
    expect(doubtful.state).toBe('inconclusive');
    expect(doubtful.reasons[0]).toContain('2 of 19 tasks of the candidate');
    expect(doubtful.reasons[0]).toContain('--retry-errors');
  });

  it('stands one infrastructure error in twenty', () => {
    const reference = sideOf(Array.from({ length: 20 }, () => 10));
    const tasks = [...reference.tasks.slice(0, 19), erroredTask('t19')];
    expect(verdict({ tasks }, reference).state).toBe('pass');
  });

  it('says nothing for nothing', () => {
    expect(verdictOf([], [])).toMatchObject({ state: 'inconclusive', ratio: null, lower: null });
  });

  it('never passes below the thresholds, whatever the scores', () => {
    const score = fc.double({ min: 0, max: 10, noNaN: true });
    fc.assert(
      fc.property(fc.array(fc.tuple(score, score), { maxLength: 12 }), (tasks) => {
        const any = verdictOf(
          tasks.map(([candidate]) => candidate),
          tasks.map(([, reference]) => reference),
        );
        if (any.state === 'pass') {
          expect(any.ratio).toBeGreaterThanOrEqual(0.9);
          expect(any.lower).toBeGreaterThanOrEqual(0.85);
        }
        if (any.strict) expect(any.state).toBe('pass');
      }),
    );
  });
});

describe('repeats of a task', () => {
  it('are one independent unit', () => {
    const tasks = [0, 1, 2].flatMap((repeat) => [
      gradedTask('a', 9 + repeat / 2, { repeat }),
      gradedTask('b', 9, { repeat }),
    ]);
    const reference = tasks.map((task) => ({ ...task, score: 10 }));
    const repeated = verdict({ tasks }, { tasks: reference });
    expect(repeated.power?.clusters).toBe(2);
    const single = verdict(
      { tasks: [gradedTask('a', 9.5), gradedTask('b', 9)] },
      { tasks: [gradedTask('a', 10), gradedTask('b', 10)] },
    );
    expect(repeated.ratio).toBeCloseTo(single.ratio ?? 0, 12);
    expect(repeated.lower).toBeCloseTo(single.lower ?? 0, 12);
  });
});

describe('a threshold of a category', () => {
  const candidate = {
    tasks: [
      ...[10, 10, 10, 10].map((score, index) => gradedTask(`t${index}`, score)),
      reviewedTask('r1', 8),
      reviewedTask('r2', 9),
    ],
  };
  const reference = { tasks: candidate.tasks.map((task) => ({ ...task, score: 10 })) };

  it('fails the whole where the category falls short of it', () => {
    const judged = verdict(candidate, reference, { thresholds: { 'code-review': 0.9 } });
    expect(judged).toMatchObject({
      state: 'fail',
      reasons: ['code-review: ratio 85.0 % is below its threshold 90.0 %'],
    });
    expect(exitCodeOf([judged], true)).toBe(1);
    expect(verdict(candidate, reference).state).not.toBe('fail');
  });

  it('changes nothing where the category reaches it', () => {
    const judged = verdict(candidate, reference, { thresholds: { 'code-review': 0.85 } });
    expect(judged).toEqual(verdict(candidate, reference));
  });

  it('gives no verdict where nothing of the category could be compared', () => {
    const errors = candidate.tasks.map((task) =>
      task.id === 'r1' || task.id === 'r2'
        ? erroredTask(task.id, { category: 'code-review' })
        : task,
    );
    const judged = verdict({ tasks: errors }, reference, { thresholds: { 'code-review': 0.1 } });
    expect(judged.state).toBe('inconclusive');
    expect(judged.reasons.at(-1)).toContain('code-review has a threshold');
  });
});

describe('a shard', () => {
  it('has numbers and no verdict', () => {
    const shard = { index: 2, of: 4, taskIds: [] };
    const judged = verdict(sideOf([1, 1, 1]), sideOf([10, 10, 10]), { shard });
    expect(judged).toMatchObject({ state: 'partial', ratio: 0.1, strict: false });
    expect(exitCodeOf([judged], false)).toBe(0);
  });
});

describe('several verdicts', () => {
  const of = (state: Verdict['state']): Verdict => ({ ...verdictOf([10, 10], [10, 10]), state });

  it.each([
    { states: ['pass', 'pass'], code: 0 },
    { states: ['pass', 'inconclusive'], code: 4 },
    { states: ['fail', 'inconclusive', 'pass'], code: 1 },
    { states: ['marginal', 'pass'], code: 1 },
    { states: ['partial', 'partial'], code: 0 },
  ] as const)('$states exit with $code', ({ states, code }) => {
    expect(exitCodeOf(states.map(of), false)).toBe(code);
  });
});

describe('power', () => {
  it('tells how far the bound lies, what would pass, and how many tasks it would take', () => {
    const scores = Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? 8.2 : 10));
    const { power, ratio, lower } = verdictOf(
      scores,
      scores.map(() => 10),
    );
    expect(ratio).toBeCloseTo(0.91, 9);
    expect(power?.margin).toBeCloseTo(0.91 - (lower ?? 0), 12);
    expect(power?.clusters).toBe(20);
    // n × (margin / (ratio − bound))²
    const needed = (bound: number) =>
      Math.ceil(20 * ((power?.margin ?? 0) / ((ratio ?? 0) - bound)) ** 2);
    expect(power?.clustersForPass).toBe(needed(0.85));
    expect(power?.clustersForStrict).toBe(needed(0.9));
    const chances = power?.passChance.map(({ chance }) => chance) ?? [];
    expect(chances).toEqual(chances.toSorted((a, b) => b - a));
    // At the least point estimate that passes, the chance is a half.
    const half = power?.passChance.find(({ trueRatio }) => trueRatio === 0.9);
    expect(half?.chance).toBeCloseTo(0.5, 6);
  });

  it('promises no number of tasks where none would do', () => {
    const scores = [8.6, 8.7, 8.8, 8.9];
    expect(verdictOf(scores, [10, 10, 10, 10]).power).toMatchObject({
      clustersForPass: null,
      clustersForStrict: null,
    });
  });
});
