import { describe, expect, it } from 'vitest';
import { differenceOfMeans, ratioOfMeans, type Pair } from '../../src/core/intervals.ts';
import { coverageOf } from './interval-worlds.ts';

const pair = (candidate: number, reference: number, cluster: string, stratum = 's'): Pair => ({
  stratum,
  cluster,
  candidate,
  reference,
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

  it('reads the bootstrap lower where bad answers are rare than plain percentiles would', () => {
    // 3 of 60 answers are worth nothing: a lower bound has to reckon with more of them.
    const pairs = Array.from({ length: 60 }, (_, index) =>
      pair(index < 3 ? 0 : 9 + (index % 5) / 10, 10, `c${index}`),
    );
    const skewed = ratioOfMeans(pairs, 3);
    const below = (skewed?.ratio ?? 0) - (skewed?.lower ?? 0);
    const above = (skewed?.upper ?? 0) - (skewed?.ratio ?? 0);
    expect(below / above).toBeGreaterThan(1.2);
  });

  it('has no width where no cluster differs, however many there are', () => {
    const same = Array.from({ length: 40 }, (_, index) => pair(9, 10, `c${index}`));
    expect(ratioOfMeans(same, 1)).toMatchObject({ ratio: 0.9, lower: 0.9, upper: 0.9 });
  });
});

describe('differenceOfMeans', () => {
  it('gives the two-sided t interval of a small sample', () => {
    // By hand: d = (−2, 0, −1); mean −1; s = 1; se = 1 / √3; t(.975, 2) = 4.3027
    const interval = differenceOfMeans([pair(6, 8, 'a'), pair(8, 8, 'b'), pair(10, 11, 'c')], 1);
    expect(interval?.method).toBe('delta-t');
    expect(interval?.difference).toBeCloseTo(-1, 12);
    expect(interval?.lower).toBeCloseTo(-1 - 4.3027 / Math.sqrt(3), 4);
    expect(interval?.upper).toBeCloseTo(-1 + 4.3027 / Math.sqrt(3), 4);
  });

  it('is the other way round when the sides are', () => {
    const pairs = Array.from({ length: 12 }, (_, index) => pair(5 + (index % 4), 7, `c${index}`));
    const swapped = pairs.map((each) => ({
      ...each,
      candidate: each.reference,
      reference: each.candidate,
    }));
    const [one, other] = [differenceOfMeans(pairs, 1), differenceOfMeans(swapped, 1)];
    expect(other?.difference).toBeCloseTo(-(one?.difference ?? 0), 12);
    expect(other?.lower).toBeCloseTo(-(one?.upper ?? 0), 12);
  });

  it('weighs a cluster by its tasks', () => {
    const pairs = [
      ...Array.from({ length: 3 }, () => pair(10, 8, 'big')),
      pair(5, 8, 'small'),
      pair(8, 8, 'other'),
    ];
    expect(differenceOfMeans(pairs, 1)).toMatchObject({ clusters: 3 });
    expect(differenceOfMeans(pairs, 1)?.difference).toBeCloseTo((3 * 2 - 3 + 0) / 5, 12);
    expect(differenceOfMeans([pair(1, 2, 'a')], 1)).toBeUndefined();
  });
});

describe('the coverage of the bounds', () => {
  // `npm run verify -- intervals` does the same with more worlds and more shapes.
  it.each([
    { shape: 'even' as const, sizes: [6], resamples: 0, worlds: 1000 },
    { shape: 'even' as const, sizes: [12], resamples: 0, worlds: 1000 },
    { shape: 'even' as const, sizes: [40, 30, 20, 10], resamples: 1000, worlds: 250 },
    { shape: 'rare-failures' as const, sizes: [40, 30, 20, 10], resamples: 1000, worlds: 250 },
    { shape: 'beside-live' as const, sizes: [40], resamples: 1000, worlds: 250 },
  ])('is about 95 % for $shape scores of $sizes tasks', ({ shape, sizes, resamples, worlds }) => {
    const { lower, upper } = coverageOf({ shape, sizes, worlds, resamples, seed: 7 });
    for (const share of [lower, upper]) {
      expect(share).toBeGreaterThan(0.9);
      expect(share).toBeLessThan(0.995);
    }
  });
});
