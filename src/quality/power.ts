import type { RatioInterval } from '../core/intervals.ts';
import { normalCdf } from '../core/statistics.ts';
import type { Power } from './result.ts';

/** True ratios whose chances are told. */
const TRUE_RATIOS = [0.95, 0.9, 0.85, 0.8];
/** Distance of a one-sided 95 % bound, in standard errors. */
const Z_95 = 1.645;

/**
 * What a run of this size and spread can tell. The margin shrinks with the root of the number of
 * independent units, and the point estimate is taken to be normal with a standard error of margin / 1.645.
 */
export function powerOf(
  { ratio, lower, clusters }: RatioInterval,
  rule: { pass: number; marginal: number },
): Power | null {
  const margin = ratio - lower;
  // Scores that do not differ at all say nothing of how others would.
  if (!(margin > 1e-9)) return null;
  const leastPoint = Math.max(rule.pass, rule.marginal + margin);
  const error = margin / Z_95;
  const needed = (bound: number): number | null =>
    ratio > bound ? Math.max(2, Math.ceil(clusters * (margin / (ratio - bound)) ** 2)) : null;
  return {
    clusters,
    margin,
    passChance: TRUE_RATIOS.map((trueRatio) => ({
      trueRatio,
      chance: 1 - normalCdf((leastPoint - trueRatio) / error),
    })),
    clustersForPass: ratio >= rule.pass ? needed(rule.marginal) : null,
    clustersForStrict: needed(rule.pass),
  };
}
