import type { Neighbour, QualityEvidence, TargetState } from '../decision.ts';

/** Remembered requests less alike than this say nothing of this one. */
const NEAR = 0.85;
/** Fewer of them are an anecdote. */
const FEWEST = 3;
/** Half width of an interval around the mean of n judgements between 0 and 1, at most: 1.64 × 0.5 / √n. */
const HALF_WIDTH = 0.82;

/**
 * What is known of a target for requests like this: what a baseline measured and how remembered
 * neighbours went, together weighted by how many outcomes stand behind each.
 */
export function evidenceFor(
  { spec, quality }: TargetState,
  neighbours: readonly Neighbour[],
): QualityEvidence | undefined {
  const near = neighbours.filter((it) => it.target === spec && it.similarity >= NEAR);
  if (near.length < FEWEST) return quality;
  const n = near.length;
  const mean = near.reduce((sum, it) => sum + it.quality, 0) / n;
  const remembered = {
    mean,
    lower: Math.max(0, mean - HALF_WIDTH / Math.sqrt(n)),
    n,
    source: `${n} requests like this one`,
  };
  if (quality === undefined) return remembered;
  const whole = quality.n + n;
  const together = (a: number, b: number): number => (a * quality.n + b * n) / whole;
  return {
    mean: together(quality.mean, remembered.mean),
    lower: together(quality.lower, remembered.lower),
    n: whole,
    source: `${quality.source} and ${remembered.source}`,
  };
}

/** Whether the quality asked for is shown, shown to be missed, or neither. */
export function standing(
  evidence: QualityEvidence | undefined,
  asked: number,
): 'proven' | 'unproven' | 'refuted' {
  if (evidence === undefined) return 'unproven';
  if (evidence.lower >= asked) return 'proven';
  return evidence.mean < asked ? 'refuted' : 'unproven';
}

export function inWords({ mean, lower, n, source }: QualityEvidence): string {
  return `quality ${mean.toFixed(2)}, at least ${lower.toFixed(2)} (n = ${n}, ${source})`;
}
