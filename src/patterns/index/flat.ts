/** Vectors that are compared one by one: exact, and quick while they are few. */
export interface FlatVectors {
  readonly size: number;
  add(label: number, vector: Float32Array): void;
  remove(label: number): void;
  /** The labels of the first `most` in the order they came. */
  first(most: number): number[];
  vectorOf(label: number): Float32Array | undefined;
  /** The `k` highest inner products, the highest first. */
  nearest(query: Float32Array, k: number): Found[];
}

export interface Found {
  label: number;
  /** Cosine. */
  similarity: number;
}

export function createFlatVectors(): FlatVectors {
  const vectors = new Map<number, Float32Array>();
  return {
    get size() {
      return vectors.size;
    },
    add: (label, vector) => void vectors.set(label, vector),
    remove: (label) => void vectors.delete(label),
    first(most) {
      const labels: number[] = [];
      for (const label of vectors.keys()) {
        if (labels.length === most) break;
        labels.push(label);
      }
      return labels;
    },
    vectorOf: (label) => vectors.get(label),
    nearest(query, k) {
      const best: Found[] = [];
      for (const [label, vector] of vectors) {
        const similarity = dot(query, vector);
        const worst = best.length < k ? -Infinity : (best.at(-1)?.similarity ?? -Infinity);
        if (similarity > worst) insert(best, { label, similarity }, k);
      }
      return best;
    },
  };
}

/** Adds to a list that is sorted, the nearest first, and keeps it at `k`. */
function insert(best: Found[], found: Found, k: number): void {
  let place = best.length;
  while (place > 0 && (best[place - 1]?.similarity ?? 0) < found.similarity) place -= 1;
  best.splice(place, 0, found);
  if (best.length > k) best.pop();
}

/** Inner product. Four sums, because one would wait for itself. */
export function dot(a: Float32Array, b: Float32Array): number {
  const { length } = a;
  let first = 0;
  let second = 0;
  let third = 0;
  let fourth = 0;
  let index = 0;
  for (; index + 3 < length; index += 4) {
    first += (a[index] ?? 0) * (b[index] ?? 0);
    second += (a[index + 1] ?? 0) * (b[index + 1] ?? 0);
    third += (a[index + 2] ?? 0) * (b[index + 2] ?? 0);
    fourth += (a[index + 3] ?? 0) * (b[index + 3] ?? 0);
  }
  for (; index < length; index++) first += (a[index] ?? 0) * (b[index] ?? 0);
  return first + second + third + fourth;
}
