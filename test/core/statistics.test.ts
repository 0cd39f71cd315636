import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mean, normalCdf, normalQuantile, quantile } from '../../src/core/statistics.ts';

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

describe('mean', () => {
  it('is NaN for nothing', () => {
    expect(mean([])).toBeNaN();
    expect(mean([1, 2, 6])).toBe(3);
  });
});

describe('the normal distribution', () => {
  it('has the values of the tables', () => {
    expect(normalCdf(0)).toBeCloseTo(0.5, 6);
    expect(normalCdf(1.644854)).toBeCloseTo(0.95, 6);
    expect(normalCdf(-2.575829)).toBeCloseTo(0.005, 6);
    expect(normalQuantile(0.975)).toBeCloseTo(1.959964, 4);
    expect(normalQuantile(0.05)).toBeCloseTo(-1.644854, 4);
  });
});
