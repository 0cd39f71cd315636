import Table from 'cli-table3';
import { nearPairs } from '../src/patterns/near-pairs.ts';
import { dot } from '../src/patterns/index/flat.ts';
import { quantile } from '../src/core/statistics.ts';
import { clusteredVectors } from './patterns/vectors.ts';

const N = 10_000;
const LEAST = 0.95;
const ROUNDS = 5;
/** Every third vector has near copies: texts that were written again with small changes. */
const COPIES = 3;

/** All pairs of near-duplicates among 10,000, beside comparing each with each. Promise: under 1 s at 99.5 %. */
export async function run(out: (line: string) => void): Promise<void> {
  const table = new Table({
    head: ['dimensions', 'ours, ms (median, worst)', 'exact, ms', 'pairs', 'found', 'wrong'],
    style: { head: [], border: [], compact: true },
  });
  for (const dimension of [384, 768]) {
    const vectors = withCopies(dimension);
    const times: number[] = [];
    let ours = nearPairs(vectors.slice(0, 1000), LEAST);
    for (let round = 0; round < ROUNDS; round++) {
      const started = performance.now();
      ours = nearPairs(vectors, LEAST);
      times.push(performance.now() - started);
    }
    const started = performance.now();
    const exact = allPairs(vectors);
    const exactMs = performance.now() - started;
    const found = ours.filter(({ first, second }) => exact.has(first * N + second)).length;
    times.sort((a, b) => a - b);
    table.push([
      dimension,
      `${quantile(times, 0.5).toFixed(0)}, ${(times.at(-1) ?? 0).toFixed(0)}`,
      exactMs.toFixed(0),
      exact.size,
      `${((100 * found) / exact.size).toFixed(2)} %`,
      ours.length - found,
    ]);
  }
  out(`${N} vectors in clusters, cosine at least ${LEAST}`);
  out(table.toString());
}

function withCopies(dimension: number): Float32Array[] {
  const own = Math.floor((N * 2) / 3);
  const vectors = clusteredVectors(own, dimension, { seed: 7, clusters: 400, spread: 0.6 });
  const noise = clusteredVectors(N - own, dimension, { seed: 8, clusters: 4000, spread: 2 });
  const copies = noise.map((change, index) => {
    const original = vectors[Math.floor(index / COPIES) * COPIES] ?? change;
    const share = 0.02 + 0.4 * ((index % 17) / 17);
    const mixed = original.map((value, at) => value + share * (change[at] ?? 0));
    const length = Math.sqrt(dot(mixed, mixed));
    return mixed.map((value) => value / length);
  });
  return [...vectors, ...copies];
}

function allPairs(vectors: readonly Float32Array[]): Set<number> {
  const pairs = new Set<number>();
  for (const [second, vector] of vectors.entries()) {
    for (let first = 0; first < second; first++) {
      const other = vectors[first];
      if (other !== undefined && dot(vector, other) >= LEAST) pairs.add(first * N + second);
    }
  }
  return pairs;
}
