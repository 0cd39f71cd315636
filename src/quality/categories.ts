import { groupBy } from '../core/group-by.ts';
import { ratioOfMeans } from '../core/intervals.ts';
import { mean } from '../core/statistics.ts';
import { CATEGORIES } from './kinds/tellings.ts';
import type { CategoryReport, RunFacts, SideReport } from './result.ts';
import { pairUp } from './verdict.ts';

/** Each category of a run for itself. */
export function categoryReports(
  candidate: Pick<SideReport, 'tasks'>,
  reference: Pick<SideReport, 'tasks'>,
  { seed, thresholds }: Pick<RunFacts, 'seed' | 'thresholds'>,
): CategoryReport[] {
  const tasks = groupBy(candidate.tasks, ({ category }) => category);
  const pairs = groupBy(pairUp(candidate.tasks, reference.tasks), ({ stratum }) => stratum);
  return CATEGORIES.flatMap((category) => {
    const all = tasks.get(category);
    const both = pairs.get(category) ?? [];
    const threshold = thresholds[category] ?? null;
    if (all === undefined) return [];
    const interval = ratioOfMeans(both, seed);
    const candidateMean = both.length === 0 ? null : mean(both.map((pair) => pair.candidate));
    const referenceMean = both.length === 0 ? null : mean(both.map((pair) => pair.reference));
    return {
      category,
      threshold,
      tasks: all.length,
      compared: both.length,
      candidateMean,
      referenceMean,
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
