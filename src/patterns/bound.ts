import { fitLogistic, type Logistic, type Prior } from './logistic.ts';

/** How an answer that was reused, or would have been, turned out. */
export interface Observation {
  /** Cosine of the prompts. */
  similarity: number;
  /** Whether the remembered answer was right for the new prompt. */
  correct: boolean;
}

export interface ReuseBound {
  /** Share of wrong answers among those reused that is tolerated. */
  delta: number;
  /** Fewer observations of an entry, and it is never reused. */
  leastObservations: number;
}

/** Levels of confidence that are tried for the threshold; the best one counts (vCache, §4). */
const LEVELS = [0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.001] as const;
/** Weak, but a logistic that separates perfectly would be infinitely steep without. */
const IGNORANCE: Prior = { slope: { mean: 20, sd: 20 }, place: { mean: 0.9, sd: 0.15 } };
/** Entries differ by more than what all of them together leave open. */
const LEAST_PLACE_SD = 0.05;
const LEAST_SLOPE_SD = 5;

/** What all entries together teach about one of which nothing is known yet (empirical Bayes). */
export function priorOf(observations: readonly Observation[]): Prior {
  const { slope, place, placeSd } = fitOf(observations, IGNORANCE);
  return {
    slope: { mean: slope, sd: LEAST_SLOPE_SD },
    place: { mean: place, sd: Math.max(placeSd, LEAST_PLACE_SD) },
  };
}

/**
 * Probability with which the model has to be asked instead of reusing this entry, so that at most
 * `delta` of its answers are wrong (vCache, arXiv 2502.03771, written from the paper): with
 * P(correct | similarity) a logistic whose place is estimated from the entry's own observations,
 * 1 − δ must be reached by asking, which is right, and reusing, which is right with at least
 * (1 − ε) · P at the place's upper (1 − ε) bound. So the share to ask is
 * min over ε of 1 − δ / (1 − (1 − ε) · P), and at least 0.
 * @returns 1 with fewer observations than `leastObservations`
 */
export function askProbability(
  observations: readonly Observation[],
  similarity: number,
  { delta, leastObservations }: ReuseBound,
  prior: Prior = IGNORANCE,
): number {
  if (observations.length < leastObservations) return 1;
  const { slope, place, placeSd } = fitOf(observations, prior);
  let least = 1;
  for (const epsilon of LEVELS) {
    const bound = place + upperQuantile(epsilon) * placeSd;
    const right = (1 - epsilon) / (1 + Math.exp(-slope * (similarity - bound)));
    const ask = right >= 1 - delta ? 0 : 1 - delta / (1 - right);
    least = Math.min(least, Math.max(0, ask));
  }
  return least;
}

/**
 * Upper quantile of the standard normal distribution (Abramowitz & Stegun 1964, 26.2.23; error below 4.5e-4).
 * @param tail between 0 and 0.5
 */
function upperQuantile(tail: number): number {
  const t = Math.sqrt(-2 * Math.log(tail));
  const above = 2.515517 + 0.802853 * t + 0.010328 * t * t;
  return t - above / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t * t * t);
}

function fitOf(observations: readonly Observation[], prior: Prior): Logistic {
  return fitLogistic(
    observations.map(({ similarity: x, correct }) => ({ x, correct })),
    prior,
  );
}
