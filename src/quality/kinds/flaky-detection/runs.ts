import { DIMENSIONS, type Dimension, type RunSpec } from '../../execution/index.ts';

/** How often a spec is run before it is called stable. */
export const RERUNS = 100;

/** Runs with the seeds from `first` to `last` that vary what is given, by default everything. */
export function perturbed(
  first: number,
  last: number,
  still: number,
  vary: readonly Dimension[] = DIMENSIONS,
): RunSpec[] {
  return Array.from({ length: last - first + 1 }, (_, index) => ({
    perturbation: { seed: first + index, vary: [...vary], still },
  }));
}

/** A run that varies nothing, with a mutant switched on or none. */
export function calm(still: number, mutant?: string): RunSpec {
  const perturbation = { seed: 0, vary: [], still };
  return mutant === undefined ? { perturbation } : { perturbation, mutant };
}
