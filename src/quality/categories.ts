import { groupBy } from '../core/group-by.ts';
import { mean, ratioOfMeans, type Pair } from '../core/statistics.ts';
import { CATEGORIES } from './kinds/registry.ts';
import type { CategoryReport, TaskResult } from './result.ts';

/** Each category of a run for itself; advisory beside the verdict. */
export function categoryReports(
  candidate: readonly TaskResult[],
  pairs: readonly Pair[],
  seed: number,
): CategoryReport[] {
  const tasks = groupBy(candidate, ({ category }) => category);
  const paired = groupBy(pairs, ({ stratum }) => stratum);
  return CATEGORIES.flatMap((category) => {
    const all = tasks.get(category);
    if (all === undefined) return [];
    const both = paired.get(category) ?? [];
    const interval = ratioOfMeans(both, seed);
    const candidateMean = both.length === 0 ? null : mean(both.map((pair) => pair.candidate));
    const referenceMean = both.length === 0 ? null : mean(both.map((pair) => pair.reference));
    return {
      category,
      tasks: all.length,
      compared: both.length,
      candidate: candidateMean,
      reference: referenceMean,
      ratio: ratio(candidateMean, referenceMean),
      lower: interval?.lower ?? null,
      upper: interval?.upper ?? null,
      clusters: new Set(both.map((pair) => pair.cluster)).size,
      method: interval?.method ?? null,
    };
  });
}

function ratio(candidate: number | null, reference: number | null): number | null {
  return candidate === null || reference === null || reference === 0 ? null : candidate / reference;
}
