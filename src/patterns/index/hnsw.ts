import hnswlib from 'hnswlib-node';
import type { Found } from './flat.ts';

/** Links of each vector, and candidates looked at while one is inserted (Malkov & Yashunin 2016, §4). */
const LINKS = 16;
const EF_CONSTRUCTION = 100;
/** Candidates looked at in a search: the smallest with recall@10 above 0.95 at 100,000; `bench -- patterns`. */
const EF = 32;
const SEED = 20_261_123;
const FIRST_CAPACITY = 4096;

/** A graph of unit vectors that finds near ones without looking at all. */
export interface Hnsw {
  readonly size: number;
  has(label: number): boolean;
  add(label: number, vector: Float32Array): void;
  /** Leaves a tombstone: the vector is found no more, and its place stays taken. */
  remove(label: number): void;
  /** Share of the places that tombstones hold. */
  wasted(): number;
  nearest(query: Float32Array, k: number): Found[];
  /** Nothing may be added or removed until it is done. */
  write(file: string): Promise<void>;
}

/** An empty graph. */
export function createHnsw(dimension: number): Hnsw {
  const graph = new hnswlib.HierarchicalNSW('ip', dimension);
  graph.initIndex(FIRST_CAPACITY, LINKS, EF_CONSTRUCTION, SEED, false);
  return hnswOf(graph, new Set());
}

/** The graph of a file that `write` made, which the caller has checked to be whole. */
export async function readHnsw(
  file: string,
  dimension: number,
  removed: readonly number[],
): Promise<Hnsw> {
  const graph = new hnswlib.HierarchicalNSW('ip', dimension);
  await graph.readIndex(file, false);
  const gone = new Set(removed);
  const live = new Set(graph.getIdsList().filter((label) => !gone.has(label)));
  return hnswOf(graph, live);
}

function hnswOf(graph: hnswlib.HierarchicalNSW, labels: Set<number>): Hnsw {
  graph.setEf(EF);
  return {
    get size() {
      return labels.size;
    },
    has: (label) => labels.has(label),
    add(label, vector) {
      if (graph.getCurrentCount() === graph.getMaxElements()) {
        graph.resizeIndex(graph.getMaxElements() * 2);
      }
      graph.addPoint(numbersOf(vector), label);
      labels.add(label);
    },
    remove(label) {
      if (!labels.delete(label)) return;
      graph.markDelete(label);
    },
    wasted: () => 1 - labels.size / Math.max(1, graph.getCurrentCount()),
    nearest(query, k) {
      const most = Math.min(k, labels.size);
      if (most === 0) return [];
      if (most > EF) graph.setEf(most);
      const { neighbors, distances } = graph.searchKnn(numbersOf(query), most);
      if (most > EF) graph.setEf(EF);
      return neighbors.map((label, index) => ({ label, similarity: 1 - (distances[index] ?? 1) }));
    },
    async write(file) {
      await graph.writeIndex(file);
    },
  };
}

/** As `Array.from`, which takes four times as long for floats. */
function numbersOf(vector: Float32Array): number[] {
  const numbers: number[] = [];
  for (const value of vector) numbers.push(value);
  return numbers;
}
