import { createHash } from 'node:crypto';

/** A hundredth of a per cent each. */
export const BUCKETS = 10_000;

/** Where a unit falls. */
export interface Place {
  /** The first 48 bits of its hash: a name that tells nothing of it. */
  unit: number;
  /** From 0 to 9,999. */
  bucket: number;
}

/**
 * The place of a unit (a session, or a request without one) in a rollout: the first six bytes of
 * SHA-256(salt + ':' + unit), big-endian, modulo 10,000. Test vectors are in docs/rollout.md.
 */
export function placeOf(salt: string, unit: string): Place {
  const digest = createHash('sha256').update(`${salt}:${unit}`).digest();
  const number = digest.readUIntBE(0, 6);
  return { unit: number, bucket: number % BUCKETS };
}

/** Whether the candidate answers a bucket at a share of so many per cent. A larger share only adds buckets. */
export function isServed(bucket: number, percent: number): boolean {
  return bucket < bucketsOf(percent);
}

/** Whether both sides are asked at a share of so many per cent: the last buckets, which the candidate gets last. */
export function isCompared(bucket: number, percent: number): boolean {
  return bucket >= BUCKETS - bucketsOf(percent);
}

function bucketsOf(percent: number): number {
  return Math.round((percent * BUCKETS) / 100);
}
