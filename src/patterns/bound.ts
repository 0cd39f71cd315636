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
const STEPS = 25;
interface Normal {
  mean: number;
  sd: number;
}

/** What is believed of an entry's logistic before anything was observed of it. */
export interface Prior {
  slope: Normal;
  /** Similarity at which right and wrong are even. */
  place: Normal;
}

/** Weak, but a logistic that separates perfectly would be infinitely steep without. */
const IGNORANCE: Prior = { slope: { mean: 20, sd: 20 }, place: { mean: 0.9, sd: 0.15 } };
/** Entries differ by more than what all of them together leave open. */
const LEAST_PLACE_SD = 0.05;
const LEAST_SLOPE_SD = 5;

/** What all entries together teach about one of which nothing is known yet (empirical Bayes). */
export function priorOf(observations: readonly Observation[]): Prior {
  const { slope, place, placeSd } = fitLogistic(observations, IGNORANCE);
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
  const { slope, place, placeSd } = fitLogistic(observations, prior);
  let least = 1;
  for (const epsilon of LEVELS) {
    const bound = place + upperQuantile(epsilon) * placeSd;
    const right = (1 - epsilon) / (1 + Math.exp(-slope * (similarity - bound)));
    const ask = right >= 1 - delta ? 0 : 1 - delta / (1 - right);
    least = Math.min(least, Math.max(0, ask));
  }
  return least;
}

interface Logistic {
  slope: number;
  /** Similarity at which right and wrong are even. */
  place: number;
  placeSd: number;
}

/** Maximum a posteriori by Newton's method with halved steps; the place's deviation from the curvature there. */
function fitLogistic(observations: readonly Observation[], prior: Prior): Logistic {
  let slope = prior.slope.mean;
  let place = prior.place.mean;
  for (let step = 0; step < STEPS; step++) {
    const { gradient, hessian } = derivatives(observations, slope, place, prior);
    const [first, second] = solve(hessian, gradient);
    const before = loss(observations, slope, place, prior);
    let share = 1;
    // The slope stays positive: more alike is never worse.
    while (
      share > 1e-6 &&
      (slope - share * first <= 0.1 ||
        loss(observations, slope - share * first, place - share * second, prior) > before)
    ) {
      share /= 2;
    }
    if (share <= 1e-6) break;
    slope -= share * first;
    place -= share * second;
    if (Math.abs(first) < 1e-6 && Math.abs(second) < 1e-8) break;
  }
  const { hessian } = derivatives(observations, slope, place, prior);
  const determinant = hessian[0] * hessian[2] - hessian[1] ** 2;
  const variance = determinant > 0 ? hessian[0] / determinant : prior.place.sd ** 2;
  return { slope, place, placeSd: Math.sqrt(Math.min(variance, prior.place.sd ** 2)) };
}

function loss(
  observations: readonly Observation[],
  slope: number,
  place: number,
  prior: Prior,
): number {
  let sum =
    ((slope - prior.slope.mean) / prior.slope.sd) ** 2 / 2 +
    ((place - prior.place.mean) / prior.place.sd) ** 2 / 2;
  for (const { similarity, correct } of observations) {
    const margin = slope * (similarity - place) * (correct ? 1 : -1);
    sum += margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin;
  }
  return sum;
}

/** Gradient, and the Hessian's expectation, which is positive definite: slope, both, place. */
function derivatives(
  observations: readonly Observation[],
  slope: number,
  place: number,
  prior: Prior,
): { gradient: [number, number]; hessian: [number, number, number] } {
  const gradient: [number, number] = [
    (slope - prior.slope.mean) / prior.slope.sd ** 2,
    (place - prior.place.mean) / prior.place.sd ** 2,
  ];
  const hessian: [number, number, number] = [1 / prior.slope.sd ** 2, 0, 1 / prior.place.sd ** 2];
  for (const { similarity, correct } of observations) {
    const distance = similarity - place;
    const p = 1 / (1 + Math.exp(-slope * distance));
    const error = p - (correct ? 1 : 0);
    gradient[0] += error * distance;
    gradient[1] -= error * slope;
    const weight = p * (1 - p);
    hessian[0] += weight * distance ** 2;
    hessian[1] -= weight * distance * slope;
    hessian[2] += weight * slope ** 2;
  }
  return { gradient, hessian };
}

function solve(
  [a, b, c]: readonly [number, number, number],
  [first, second]: readonly [number, number],
): [number, number] {
  const determinant = a * c - b * b;
  if (determinant <= 0) return [first / Math.max(a, 1e-9), second / Math.max(c, 1e-9)];
  return [(c * first - b * second) / determinant, (a * second - b * first) / determinant];
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
