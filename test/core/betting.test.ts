import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  CHI_SQUARE_999,
  evidenceAbove,
  evidenceBelow,
  ratioBounds,
  splitChiSquare,
  type Tally,
} from '../../src/core/betting.ts';
import { seededIndex } from '../../src/core/random.ts';

const score = fc.integer({ min: 0, max: 10 }).map((tenth) => tenth / 10);
const tally = fc.record({
  candidate: score,
  reference: score,
  count: fc.integer({ min: 1, max: 40 }),
});
const tallies = fc.array(tally, { maxLength: 12 });
const border = fc.double({ min: 0.05, max: 2, noNaN: true });

describe('evidence by betting', () => {
  it('is nothing without observations', () => {
    expect(evidenceAbove([], 0.95)).toBe(0);
    expect(evidenceBelow([], 0.95)).toBe(0);
  });

  it('is the mean over the bets of what they win, worked out by hand for one observation', () => {
    const bets = [1 / 2, 1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64, 1 / 128, 1 / 256];
    const won = (gain: number): number =>
      Math.log(bets.reduce((sum, bet) => sum + 1 + bet * gain, 0) / 8);
    const one: Tally[] = [{ candidate: 1, reference: 0.5, count: 1 }];
    expect(evidenceAbove(one, 0.8)).toBeCloseTo(won(1 / 0.8 - 0.5), 12);
    expect(evidenceBelow(one, 0.8)).toBeCloseTo(won(0.8 * 0.5 - 1), 12);
    const failures: Tally[] = [{ candidate: 1, reference: 1, count: 1 }];
    expect(evidenceAbove(failures, 0.02)).toBeCloseTo(won(49), 12);
  });

  it('does not depend on how observations are put together or ordered', () => {
    fc.assert(
      fc.property(tallies, border, (given, ratio) => {
        const apart = given.flatMap(({ count, ...one }) =>
          Array.from({ length: count }, () => ({ ...one, count: 1 })),
        );
        for (const evidence of [evidenceAbove, evidenceBelow]) {
          expect(evidence(apart.toReversed(), ratio)).toBeCloseTo(evidence(given, ratio), 6);
        }
      }),
    );
  });

  it('only falls as more is asked of the candidate, so that bounds are borders', () => {
    fc.assert(
      fc.property(tallies, border, border, (given, one, other) => {
        const [low, high] = [Math.min(one, other), Math.max(one, other)];
        expect(evidenceAbove(given, high)).toBeLessThanOrEqual(evidenceAbove(given, low) + 1e-9);
        expect(evidenceBelow(given, low)).toBeLessThanOrEqual(evidenceBelow(given, high) + 1e-9);
      }),
    );
  });

  it('has bounds that hold what it does not reject, with the observed ratio between them', () => {
    const level = { lower: Math.log(20), upper: Math.log(480) };
    fc.assert(
      fc.property(tallies, (given) => {
        const { lower, upper } = ratioBounds(given, level);
        expect(lower).toBeLessThanOrEqual(upper);
        const sum = (side: 'candidate' | 'reference'): number =>
          given.reduce((total, pair) => total + pair[side] * pair.count, 0);
        const ratio = sum('candidate') / sum('reference');
        if (Number.isFinite(ratio)) {
          expect(lower).toBeLessThanOrEqual(ratio * 1.0001);
          expect(upper).toBeGreaterThanOrEqual(ratio * 0.9999);
        }
        if (lower > 1e-5) {
          expect(evidenceAbove(given, lower * 0.999)).toBeGreaterThanOrEqual(level.lower);
          expect(evidenceAbove(given, lower * 1.001)).toBeLessThan(level.lower);
        }
        if (upper < 999) {
          expect(evidenceBelow(given, upper * 1.001)).toBeGreaterThanOrEqual(level.upper);
          expect(evidenceBelow(given, upper * 0.999)).toBeLessThan(level.upper);
        }
      }),
    );
  });

  /** Share of streams on the border that ever reach the e-value of 20, looked at after each observation. */
  function everRejected(
    draw: (random: (n: number) => number) => Tally,
    test: typeof evidenceAbove,
  ) {
    const streams = 400;
    let rejected = 0;
    for (let stream = 0; stream < streams; stream += 1) {
      const random = seededIndex(stream + 1);
      const counts = new Map<string, Tally>();
      for (let look = 0; look < 300; look += 1) {
        const one = draw(random);
        const key = `${one.candidate} ${one.reference}`;
        counts.set(key, { ...one, count: (counts.get(key)?.count ?? 0) + 1 });
        if (test([...counts.values()], 0.8) >= Math.log(20)) {
          rejected += 1;
          break;
        }
      }
    }
    return rejected / streams;
  }

  it('is wrong in 5 % of endless looks at most, on either side', () => {
    // The reference is right in 80 %, the candidate in 64 %: their ratio is the border.
    const draw = (random: (n: number) => number): Tally => ({
      candidate: random(100) < 64 ? 1 : 0,
      reference: random(100) < 80 ? 1 : 0,
      count: 1,
    });
    expect(everRejected(draw, evidenceAbove)).toBeLessThanOrEqual(0.05);
    expect(everRejected(draw, evidenceBelow)).toBeLessThanOrEqual(0.05);
  });
});

describe('the split of units', () => {
  it('has Pearson’s statistic', () => {
    expect(splitChiSquare(50, 50, 0.5)).toBe(0);
    expect(splitChiSquare(60, 40, 0.5)).toBeCloseTo(4, 12);
    expect(splitChiSquare(60, 140, 0.2)).toBeCloseTo(12.5, 12);
  });

  it('is called wrong from p < 0.001 on', () => {
    // 3.2905 is the 0.9995 quantile of the normal distribution.
    expect(CHI_SQUARE_999).toBeCloseTo(3.290_527 ** 2, 3);
  });
});
