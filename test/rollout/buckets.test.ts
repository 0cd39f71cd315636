import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CHI_SQUARE_999, splitChiSquare } from '../../src/core/betting.ts';
import { BUCKETS, isCompared, isServed, placeOf } from '../../src/rollout/buckets.ts';

const percent = fc.integer({ min: 0, max: BUCKETS }).map((hundredths) => hundredths / 100);
const bucket = fc.integer({ min: 0, max: BUCKETS - 1 });

/** As docs/rollout.md gives them. */
const VECTORS: readonly [string, string, number, number][] = [
  ['salt', 'session-1', 119_388_186_049_751, 9751],
  ['salt', 'session-2', 179_324_322_207_573, 7573],
  ['', '', 254_726_046_639_758, 9758],
  ['other', 'session-1', 50_303_542_972_157, 2157],
  ['salt', 'Größe ✓', 40_003_606_240_205, 205],
];

describe('buckets', () => {
  it.each(VECTORS)('%s:%s is %d in bucket %d', (salt, unit, number, place) => {
    expect(placeOf(salt, unit)).toEqual({ unit: number, bucket: place });
  });

  it('are the first 48 bits of SHA-256 modulo 10,000', () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (salt, unit) => {
        const hex = createHash('sha256').update(`${salt}:${unit}`).digest('hex').slice(0, 12);
        expect(placeOf(salt, unit)).toEqual({
          unit: Number.parseInt(hex, 16),
          bucket: Number(BigInt(`0x${hex}`) % 10_000n),
        });
      }),
    );
  });

  it('are only added as the share grows', () => {
    fc.assert(
      fc.property(bucket, percent, percent, (place, one, other) => {
        const [small, large] = [Math.min(one, other), Math.max(one, other)];
        if (isServed(place, small)) expect(isServed(place, large)).toBe(true);
        if (isCompared(place, small)) expect(isCompared(place, large)).toBe(true);
      }),
    );
  });

  it('are as many as the share says, and those compared come last', () => {
    const all = Array.from({ length: BUCKETS }, (_, index) => index);
    for (const share of [0, 0.01, 20, 50, 80, 99, 99.99, 100]) {
      expect(all.filter((place) => isServed(place, share))).toHaveLength(share * 100);
      expect(all.filter((place) => isCompared(place, share))).toHaveLength(share * 100);
    }
    expect(all.filter((place) => isServed(place, 80) && isCompared(place, 20))).toEqual([]);
  });

  it('part units evenly, and anew with another salt', () => {
    const units = Array.from({ length: 20_000 }, (_, index) => `unit-${index}`);
    const served = (salt: string): string[] =>
      units.filter((unit) => isServed(placeOf(salt, unit).bucket, 20));
    const [first, second] = [served('one'), served('two')];
    for (const { length } of [first, second]) {
      expect(splitChiSquare(length, units.length - length, 0.2)).toBeLessThan(CHI_SQUARE_999);
    }
    const both = first.filter((unit) => second.includes(unit)).length;
    expect(both / first.length).toBeGreaterThan(0.15);
    expect(both / first.length).toBeLessThan(0.25);
  });
});
