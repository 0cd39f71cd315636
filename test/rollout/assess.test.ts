import { describe, expect, it } from 'vitest';
import { assess, harmAt, passAt, qualityBounds } from '../../src/rollout/assess.ts';
import type { Observation } from '../../src/rollout/observation.ts';
import { DEFAULT_PLAN, planSchema, type PlanFile } from '../../src/rollout/plan.ts';
import { createTallyBook, DAY_MS, type Tallies } from '../../src/rollout/tallies.ts';

const START = 1_800_000_000_000;
const plan = (more: Partial<PlanFile> = {}) => planSchema.parse({ ...DEFAULT_PLAN, ...more });
/** Waits for no days. */
const quick = plan({
  steps: DEFAULT_PLAN.steps.map((step) => ({ ...step, days: 0, pairs: 50, requests: 50 })),
});
const SHADOW = { serve: 0, cautious: false };

interface Many {
  count: number;
  scores?: [candidate: number, reference: number];
  day?: number;
  more?: Partial<Observation>;
}

let number = 0;
function observed(...groups: readonly Many[]): Observation[] {
  return groups.flatMap(({ count, scores, day = 0, more }) =>
    Array.from({ length: count }, (_, index): Observation => ({
      rollout: 'r',
      stage: 2,
      at: START + day * DAY_MS + index,
      requestId: `q${(number += 1)}`,
      unit: number,
      arm: 'reference',
      category: 'test-generation',
      compared: 'done',
      candidate: { outcome: 'ok', ms: 900, usd: 0 },
      reference: { outcome: 'ok', ms: 1000, usd: 0.01 },
      grading:
        scores === undefined
          ? { state: 'unknown' }
          : { state: 'scored', candidate: scores[0], reference: scores[1] },
      ...more,
    })),
  );
}

function tallied(of: ReturnType<typeof plan>, ...groups: readonly Many[]): Tallies {
  const book = createTallyBook({ plan: of, stageAt: START, baseline: [] });
  for (const observation of observed(...groups)) book.add(observation);
  return book.tallies();
}

function judged(of: ReturnType<typeof plan>, groups: readonly Many[], at = SHADOW, days = 0) {
  const now = START + days * DAY_MS + 5000;
  return assess(of, at, tallied(of, ...groups), { now, stageAt: START });
}

const unmet = ({ needs }: ReturnType<typeof judged>): string[] =>
  needs.filter(({ met }) => !met).map(({ id }) => id);
const failing = { candidate: { outcome: 'transport', ms: 5 }, grading: { state: 'none' } } as const;

describe('evidence of a stage', () => {
  it('lets it advance where quality is shown to be within the margin', () => {
    const assessment = judged(quick, [
      { count: 220, scores: [10, 10] },
      { count: 10, scores: [0, 0] },
    ]);
    expect(assessment.verdict).toEqual({ state: 'advance' });
    expect(unmet(assessment)).toEqual([]);
    expect(assessment.pass.e).toBeGreaterThanOrEqual(passAt(quick));
  });

  it('holds while little is known, and says all that is missing', () => {
    const assessment = judged(plan(), [{ count: 30, scores: [10, 10] }]);
    expect(assessment.verdict).toEqual({ state: 'hold' });
    expect(unmet(assessment)).toEqual(['evidence', 'pairs', 'requests', 'days', 'latency']);
    expect(judged(plan(), []).verdict).toEqual({ state: 'hold' });
  });

  it('holds where the evidence is inconclusive, however much there is', () => {
    // Just on the border: 95 % of the reference's.
    const assessment = judged(quick, [
      { count: 1900, scores: [10, 10] },
      { count: 100, scores: [0, 10] },
    ]);
    expect(assessment.verdict).toEqual({ state: 'hold' });
    expect(unmet(assessment)).toEqual(['evidence']);
  });

  it('rolls back where quality is shown to be worse, and from much worse to nothing', () => {
    const worse = judged(quick, [
      { count: 300, scores: [8.8, 10] },
      { count: 60, scores: [7, 10] },
    ]);
    expect(worse.verdict).toMatchObject({ state: 'roll-back', guardrail: 'quality', hard: false });
    const bad = judged(quick, [{ count: 100, scores: [2, 10] }]);
    expect(bad.verdict).toMatchObject({ state: 'roll-back', guardrail: 'quality', hard: true });
  });

  it('rolls back nothing before its minimum sample', () => {
    const few = [{ count: 19, scores: [0, 10] as [number, number] }];
    expect(judged(quick, few).verdict).toEqual({ state: 'hold' });
    expect(judged(quick, [...few, ...few]).verdict).toMatchObject({ state: 'roll-back' });
  });

  it('counts failures of the candidate, and leaves out what is nobody’s fault', () => {
    const healthy = { count: 300, scores: [10, 10] as [number, number] };
    const neutral = { ...failing, candidate: { outcome: 'cancelled', ms: 5 } };
    expect(judged(quick, [healthy, { count: 200, more: neutral }]).verdict.state).toBe('advance');
    const some = judged(quick, [healthy, { count: 8, more: failing }]);
    expect(some.guardrails[1]).toMatchObject({ id: 'errors', state: 'over' });
    expect(unmet(some)).toEqual(['errors']);
    const many = judged(quick, [healthy, { count: 25, more: failing }]);
    expect(many.verdict).toMatchObject({ state: 'roll-back', guardrail: 'errors', hard: false });
    const dead = judged(quick, [{ count: 20, more: failing }]);
    expect(dead.verdict).toMatchObject({ state: 'roll-back', guardrail: 'errors', hard: true });
  });

  it('holds the candidate’s time against the reference’s first answers', () => {
    const slow = (ms: number): Partial<Observation> => ({
      candidate: { outcome: 'ok', ms, usd: 0 },
    });
    const healthy = { count: 220, scores: [10, 10] as [number, number] };
    expect(tallied(quick, healthy).sloMs).toBe(1500);
    const at = (ms: number, count: number) =>
      judged(quick, [healthy, { count, scores: [10, 10], more: slow(ms) }]);
    expect(at(1500, 60).verdict.state).toBe('advance');
    expect(at(1501, 20).guardrails[2]).toMatchObject({ state: 'over' });
    expect(at(1501, 60).verdict).toMatchObject({ state: 'roll-back', guardrail: 'latency' });
    const fixed = plan({ steps: quick.steps, latency: { sloMs: 800 } });
    expect(judged(fixed, [healthy]).verdict).toMatchObject({ guardrail: 'latency' });
  });

  it('judges answers that came before there was an objective once there is one', () => {
    const early = { candidate: { outcome: 'ok', ms: 4000, usd: 0 } };
    const { stage } = tallied(quick, { count: 49, more: early }, { count: 1, more: early });
    expect(stage.slow).toEqual([{ candidate: 1, reference: 1, count: 50 }]);
  });

  it('sees harm of one day although many good ones went before', () => {
    const good = { count: 20_000, scores: [10, 10] as [number, number] };
    const assessment = judged(quick, [good, { count: 30, day: 5, more: failing }]);
    expect(assessment.verdict).toMatchObject({ state: 'roll-back', guardrail: 'errors' });
    const spread = Array.from({ length: 30 }, () => ({ count: 1, more: failing }));
    expect(judged(quick, [good, ...spread]).verdict.state).toBe('advance');
  });

  it('counts failed gradings apart, and says nothing where there are many', () => {
    const errored = { grading: { state: 'errored' } } as const;
    const healthy = { count: 220, scores: [10, 10] as [number, number] };
    expect(judged(quick, [healthy, { count: 10, more: errored }]).verdict.state).toBe('advance');
    const many = judged(quick, [healthy, { count: 13, more: errored }]);
    expect([many.verdict.state, unmet(many)]).toEqual(['hold', ['grading']]);
  });

  it('asks what it costs, and takes an unknown price for no price', () => {
    const dear = { candidate: { outcome: 'ok', ms: 900, usd: 0.02 } };
    const unpriced = { candidate: { outcome: 'ok', ms: 900 } };
    const all = (more: Partial<Observation>) => [
      { count: 220, scores: [10, 10] as [number, number], more },
    ];
    expect(unmet(judged(quick, all(dear)))).toEqual(['cost']);
    expect(unmet(judged(quick, all(unpriced)))).toEqual(['cost']);
    expect(unmet(judged({ ...quick, cost: null }, all(unpriced)))).toEqual([]);
  });

  it('sees units that are not split as they should be', () => {
    const half = { serve: 50, cautious: false };
    const arms = (candidate: number, reference: number) => [
      { count: reference, scores: [10, 10] as [number, number] },
      {
        count: candidate,
        scores: [10, 10] as [number, number],
        more: { arm: 'candidate' } as const,
      },
    ];
    expect(judged(quick, arms(140, 160), half).verdict.state).toBe('advance');
    expect(unmet(judged(quick, arms(110, 190), half))).toEqual(['split']);
  });

  it('waits for days with answers, which a clock that jumps ahead does not bring', () => {
    const scores: [number, number] = [10, 10];
    const each = (days: readonly number[]) => days.map((day) => ({ count: 60, scores, day }));
    const week = [0, 1, 2, 3, 4, 5, 6];
    expect(judged(plan(), each(week), SHADOW, 7).verdict.state).toBe('advance');
    expect(unmet(judged(plan(), each(week), SHADOW, 6))).toEqual(['days']);
    expect(unmet(judged(plan(), each([0, 40, 41, 42]), SHADOW, 43))).toEqual(['days']);
  });

  it('has bounds that say the same as the e-values', () => {
    const pass = tallied(quick, { count: 220, scores: [10, 10] });
    expect(qualityBounds(quick, pass.stage.pairs).lower).toBeGreaterThan(0.95);
    const harm = tallied(quick, { count: 300, scores: [8.5, 10] });
    expect(qualityBounds(quick, harm.stage.pairs).upper).toBeLessThan(0.95);
    expect([passAt(quick), harmAt(quick)]).toEqual([20, 480]);
  });
});
