import { createHash } from 'node:crypto';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';

/** A stream of whole numbers in `[0, n)`, the same for the same seed. */
export type RandomIndex = (n: number) => number;

/** @param seed 32-bit whole number */
export function seededIndex(seed: number): RandomIndex {
  const generator = xoroshiro128plus(seed);
  return (n) => uniformInt(generator, 0, n - 1);
}

/** A 31-bit seed from a run's seed and the names of what it is for; changing one changes all of it. */
export function deriveSeed(seed: number, ...names: readonly string[]): number {
  const digest = createHash('sha256')
    .update(JSON.stringify([seed, ...names]))
    .digest();
  return digest.readUInt32BE(0) >>> 1;
}
