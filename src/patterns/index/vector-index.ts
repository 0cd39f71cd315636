import { setImmediate as nextTurn } from 'node:timers/promises';
import { createFlatVectors, type Found } from './flat.ts';
import { createHnsw, type Hnsw } from './hnsw.ts';
import { loadIndexFile, saveIndexFile, type Stamp } from './index-file.ts';

/** Up to so many vectors are compared one by one, which is exact and takes 0.6 ms at 768 dimensions. */
const FLAT_MOST = 1000;
/** Milliseconds of inserting in one go, for others to have their turn. */
const SLICE_MS = 8;
/** A graph with more tombstones than this share is made anew by whoever opens it. */
const WASTE_MOST = 0.3;
/** A graph is written again once it has grown by this share since. */
const SAVE_GROWTH = 0.1;

/**
 * The vectors of a store, searchable at any time: those that came last are compared one by one until
 * they are part of the graph. Can always be made anew from the store.
 */
export interface VectorIndex {
  readonly size: number;
  readonly dimension: number;
  /** The last vector and the last burial of the store that it has heeded. */
  readonly label: number;
  readonly burial: number;
  /** @param label higher than any before */
  add(label: number, vector: Float32Array): void;
  /** @param burial number of the burial, higher than any before */
  bury(label: number, burial: number): void;
  nearest(query: Float32Array, k: number): Found[];
  /** Whether vectors wait for their place in the graph. */
  isUnsettled(): boolean;
  /** Inserts a slice of what waits. */
  work(): void;
  /** Inserts all that waits, with pauses. */
  settle(onProgress?: (left: number) => void): Promise<void>;
  /** Writes the graph to its file where it has changed enough; `always` writes any change. */
  save(options?: { always?: boolean }): Promise<void>;
}

export interface VectorIndexOptions {
  folder: string;
  generation: number;
  dimension: number;
  /** A file that is there and of no use. */
  onUnusable: (why: string) => void;
}

/** Reads the file, if it is good. `label` and `burial` then say from where on the store has news. */
export async function openVectorIndex(options: VectorIndexOptions): Promise<VectorIndex> {
  const { folder, generation, dimension, onUnusable } = options;
  const loaded = await loadIndexFile(folder, { generation, dimension });
  if (loaded.state === 'unusable') onUnusable(loaded.why);
  const usable = loaded.state === 'loaded' && loaded.hnsw.wasted() <= WASTE_MOST;
  let hnsw: Hnsw | undefined = usable ? loaded.hnsw : undefined;
  let lastLabel = usable ? loaded.label : 0;
  let lastBurial = usable ? loaded.burial : 0;
  const waiting = createFlatVectors();
  /** Places of the graph that are tombstones. */
  const removed = new Set<number>(usable ? loaded.removed : []);
  let savedSize = hnsw?.size ?? 0;
  let dirty = false;
  let saving: Promise<void> | undefined;
  /** Removed while the file was being written. */
  const late: number[] = [];

  const size = (): number => (hnsw?.size ?? 0) + waiting.size;
  const isUnsettled = (): boolean =>
    waiting.size > 0 && (hnsw !== undefined || waiting.size > FLAT_MOST);

  function place(label: number): void {
    const vector = waiting.vectorOf(label);
    if (vector === undefined) return;
    hnsw ??= createHnsw(dimension);
    hnsw.add(label, vector);
    waiting.remove(label);
    dirty = true;
  }

  function work(): void {
    if (!isUnsettled() || saving !== undefined) return;
    const until = performance.now() + SLICE_MS;
    while (waiting.size > 0 && performance.now() < until) {
      for (const label of waiting.first(8)) place(label);
    }
  }

  function removeFromGraph(label: number): void {
    if (hnsw === undefined || !hnsw.has(label)) return;
    hnsw.remove(label);
    removed.add(label);
    dirty = true;
  }

  async function write(graph: Hnsw): Promise<void> {
    const [next] = waiting.first(1);
    const label = next === undefined ? lastLabel : next - 1;
    const stamp: Stamp = { generation, dimension, label, burial: lastBurial };
    dirty = false;
    try {
      await saveIndexFile(folder, graph, stamp, [...removed]);
      savedSize = graph.size;
    } catch (error) {
      dirty = true;
      throw error;
    }
  }

  return {
    get size() {
      return size();
    },
    dimension,
    get label() {
      return lastLabel;
    },
    get burial() {
      return lastBurial;
    },
    add(label, vector) {
      waiting.add(label, vector);
      lastLabel = label;
    },
    bury(label, burial) {
      lastBurial = burial;
      waiting.remove(label);
      if (saving === undefined) removeFromGraph(label);
      else late.push(label);
    },
    nearest(query, k) {
      const near = hnsw?.nearest(query, k + late.length) ?? [];
      const kept = late.length === 0 ? near : near.filter(({ label }) => !late.includes(label));
      const flat = waiting.nearest(query, k);
      if (flat.length === 0) return kept.slice(0, k);
      return [...kept, ...flat].toSorted((a, b) => b.similarity - a.similarity).slice(0, k);
    },
    isUnsettled,
    work,
    async settle(onProgress = () => {}) {
      while (isUnsettled()) {
        await saving;
        work();
        onProgress(waiting.size);
        await nextTurn();
      }
    },
    async save({ always = false } = {}) {
      await saving;
      const graph = hnsw;
      if (graph === undefined || !dirty) return;
      if (!always && graph.size < savedSize * (1 + SAVE_GROWTH)) return;
      saving = write(graph).finally(() => {
        saving = undefined;
        for (const label of late.splice(0)) removeFromGraph(label);
      });
      await saving;
    },
  };
}
