import { seededIndex, type RandomIndex } from '../../src/core/random.ts';

/** Vectors of a cluster: what a fleet asks comes back in many variants. */
export const CLUSTER_SIZE = 50;

/** Unit vectors around `clusters` centres, as texts of a few kinds of work have them. */
export function clusteredVectors(
  n: number,
  dimension: number,
  { seed, clusters, spread }: { seed: number; clusters: number; spread: number },
): Float32Array[] {
  const centreRandom = gaussian(seededIndex(1));
  const centres = Array.from({ length: clusters }, () =>
    unit(Float32Array.from({ length: dimension }, centreRandom)),
  );
  const index = seededIndex(seed);
  const random = gaussian(index);
  const scale = spread / Math.sqrt(dimension);
  return Array.from({ length: n }, () => {
    const centre = centres[index(clusters)] ?? new Float32Array(dimension);
    return unit(centre.map((value) => value + scale * random()));
  });
}

/** Standard normal numbers (Box & Muller 1958). */
function gaussian(index: RandomIndex): () => number {
  const uniform = (): number => (index(2 ** 30) + 0.5) / 2 ** 30;
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

function unit(vector: Float32Array): Float32Array {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const scale = 1 / Math.sqrt(squares);
  return vector.map((value) => value * scale);
}
