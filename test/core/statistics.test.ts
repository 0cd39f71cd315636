import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { seededIndex } from '../../src/core/random.ts';
import { mean, quantile, ratioOfMeans, type Pair } from '../../src/core/statistics.ts';

const pair = (candidate: number, reference: number, cluster: string, stratum = 's'): Pair => ({
  stratum,
  cluster,
  candidate,
  reference,
});

describe('quantile', () => {
  it('interpolates between order statistics as R type 7 does', () => {
    // R: quantile(c(1, 2, 4, 8, 16), c(.1, .5, .95), type = 7)
    const values = [1, 2, 4, 8, 16];
    expect(quantile(values, 0.1)).toBeCloseTo(1.4, 12);
    expect(quantile(values, 0.5)).toBe(4);
    expect(quantile(values, 0.95)).toBeCloseTo(14.4, 12);
  });

  it('is the only value, and NaN for none', () => {
    expect(quantile([7], 0.99)).toBe(7);
    expect(quantile([], 0.5)).toBeNaN();
  });

  it('stays between the extremes and grows with p', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1e6, max: 1e6, noNaN: true }), { minLength: 1 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (values, p, q) => {
          const sorted = values.toSorted((a, b) => a - b);
          const [low, high] = [Math.min(p, q), Math.max(p, q)];
          expect(quantile(sorted, low)).toBeGreaterThanOrEqual(sorted[0] ?? 0);
          expect(quantile(sorted, high)).toBeLessThanOrEqual((sorted.at(-1) ?? 0) + 1e-9);
          expect(quantile(sorted, low)).toBeLessThanOrEqual(quantile(sorted, high) + 1e-9);
        },
      ),
    );
  });
});

describe('ratioOfMeans', () => {
  it('gives the delta-method t interval of a small sample', () => {
    // By hand: R = 24/27; d = y − R·x = (−1.1111, 0.8889, 0.2222); s² = 1.037037; x̄ = 9
    // se = sqrt(1.037037 / 3) / 9 = 0.0653275; t(.95, 2) = 2.92
    const interval = ratioOfMeans([pair(6, 8, 'a'), pair(8, 8, 'b'), pair(10, 11, 'c')], 1);
    expect(interval?.method).toBe('delta-t');
    expect(interval?.ratio).toBeCloseTo(0.888889, 6);
    expect(interval?.lower).toBeCloseTo(0.888889 - 2.92 * 0.0653275, 4);
    expect(interval?.upper).toBeCloseTo(0.888889 + 2.92 * 0.0653275, 4);
  });

  it('has no width when the two sides are the same', () => {
    const same = ['a', 'b', 'c', 'd'].map((name, index) => pair(index + 1, index + 1, name));
    expect(ratioOfMeans(same, 1)).toMatchObject({ ratio: 1, lower: 1, upper: 1 });
  });

  it('counts tasks of one cluster as one', () => {
    const pairs = [pair(1, 2, 'a'), pair(2, 2, 'a'), pair(3, 4, 'b'), pair(3, 3, 'b')];
    expect(ratioOfMeans(pairs, 1)?.clusters).toBe(2);
  });

  it('says nothing for one cluster or a reference without points', () => {
    expect(ratioOfMeans([pair(1, 2, 'a')], 1)).toBeUndefined();
    expect(ratioOfMeans([pair(1, 0, 'a'), pair(1, 0, 'b')], 1)).toBeUndefined();
    expect(ratioOfMeans([], 1)).toBeUndefined();
  });

  it('bootstraps from 30 clusters on, the same for the same seed', () => {
    const pairs = Array.from({ length: 40 }, (_, index) =>
      pair(5 + (index % 5), 8 + (index % 3), `c${index}`, index < 20 ? 's' : 't'),
    );
    const interval = ratioOfMeans(pairs, 7);
    expect(interval?.method).toBe('bootstrap');
    expect(ratioOfMeans(pairs, 7)).toEqual(interval);
    expect(ratioOfMeans(pairs, 8)).not.toEqual(interval);
    expect(interval?.lower).toBeLessThan(interval?.ratio ?? 0);
    expect(interval?.upper).toBeGreaterThan(interval?.ratio ?? 0);
  });

  it.each([6, 12, 60])('covers the true ratio in about 95 of 100 worlds of %d tasks', (n) => {
    const index = seededIndex(n);
    const uniform = (): number => index(1_000_000) / 1_000_000;
    const worlds = n < 30 ? 1000 : 120;
    let below = 0;
    for (let world = 0; world < worlds; world++) {
      const pairs = Array.from({ length: n }, (_, task) => {
        const reference = 8 + 2 * uniform();
        return pair(reference * (0.6 + 0.5 * uniform()), reference, `c${task}`);
      });
      if ((ratioOfMeans(pairs, world)?.lower ?? Infinity) <= 0.85) below += 1;
    }
    const share = below / worlds;
    expect(share).toBeGreaterThan(0.9);
    expect(share).toBeLessThan(0.995);
  });
});

describe('mean', () => {
  it('is NaN for nothing', () => {
    expect(mean([])).toBeNaN();
    expect(mean([1, 2, 6])).toBe(3);
  });
});
