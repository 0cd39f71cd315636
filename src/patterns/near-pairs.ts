import hnswlib from 'hnswlib-node';
import { seededIndex } from '../core/random.ts';
import { dot } from './index/flat.ts';

/** Two vectors that are at least so near, by their places in the list. */
export interface NearPair {
  first: number;
  second: number;
  /** Cosine. */
  similarity: number;
}

/** Dimensions that candidates are looked for in. */
const NARROW = 64;
const LINKS = 8;
const EF = 40;
/** Candidates of each vector; in a group of more than that, some pairs are missed. */
const CANDIDATES = 16;
const SEED = 20_261_123;

/**
 * Pairs of unit vectors with at least this cosine. Candidates come from a graph over 64 coordinates
 * of a randomised Hadamard transform (Ailon & Chazelle 2009; Tropp 2011), and each is verified with
 * the vectors themselves: no pair is wrong, a few in a thousand may be missed.
 */
export function nearPairs(vectors: readonly Float32Array[], least: number): NearPair[] {
  const [some] = vectors;
  if (some === undefined || vectors.length < 2) return [];
  const narrow = narrower(some.length);
  const graph = new hnswlib.HierarchicalNSW('ip', NARROW);
  graph.initIndex(vectors.length, LINKS, EF, SEED, false);
  graph.setEf(CANDIDATES);
  const pairs: NearPair[] = [];
  for (const [second, vector] of vectors.entries()) {
    const point = narrow(vector);
    // Each looks among those before it, so that no pair is met twice.
    if (second > 0) {
      const { neighbors } = graph.searchKnn(point, Math.min(CANDIDATES, second));
      for (const first of neighbors) {
        const other = vectors[first];
        const similarity = other === undefined ? -1 : dot(vector, other);
        if (similarity >= least) pairs.push({ first, second, similarity });
      }
    }
    graph.addPoint(point, second);
  }
  return pairs;
}

/** Random signs, Walsh–Hadamard, and a random choice of coordinates, at length 1. */
function narrower(dimension: number): (vector: Float32Array) => number[] {
  const random = seededIndex(SEED);
  const width = Math.max(NARROW, 2 ** Math.ceil(Math.log2(dimension)));
  const signs = Float32Array.from({ length: dimension }, () => (random(2) === 0 ? -1 : 1));
  const places = new Set<number>();
  while (places.size < NARROW) places.add(random(width));
  const chosen = [...places];
  const buffer = new Float32Array(width);
  return (vector) => {
    buffer.fill(0);
    for (let at = 0; at < dimension; at++) buffer[at] = (vector[at] ?? 0) * (signs[at] ?? 0);
    transform(buffer);
    const point = chosen.map((place) => buffer[place] ?? 0);
    let squares = 0;
    for (const value of point) squares += value * value;
    const scale = 1 / Math.sqrt(squares);
    return point.map((value) => value * scale);
  };
}

/** Walsh–Hadamard transform in place, not normalised. */
function transform(values: Float32Array): void {
  const { length } = values;
  for (let half = 1; half < length; half *= 2) {
    for (let block = 0; block < length; block += half * 2) {
      for (let at = block; at < block + half; at++) {
        const first = values[at] ?? 0;
        const second = values[at + half] ?? 0;
        values[at] = first + second;
        values[at + half] = first - second;
      }
    }
  }
}
