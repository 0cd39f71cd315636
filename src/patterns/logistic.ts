const STEPS = 25;

/** Something observed at x. */
export interface Point {
  x: number;
  correct: boolean;
}

interface Normal {
  mean: number;
  sd: number;
}

/** What is believed of a logistic before anything was observed of it. */
export interface Prior {
  slope: Normal;
  /** Where right and wrong are even. */
  place: Normal;
}

export interface Logistic {
  slope: number;
  /** Where right and wrong are even. */
  place: number;
  placeSd: number;
}

/** P(correct | x) = 1 / (1 + e^(−slope · (x − place))): maximum a posteriori by Newton's method with halved steps; the place's deviation from the curvature there. */
export function fitLogistic(points: readonly Point[], prior: Prior): Logistic {
  let slope = prior.slope.mean;
  let place = prior.place.mean;
  for (let step = 0; step < STEPS; step++) {
    const { gradient, hessian } = derivatives(points, slope, place, prior);
    const [first, second] = solve(hessian, gradient);
    const before = loss(points, slope, place, prior);
    let share = 1;
    // The slope stays positive: more is never worse.
    while (
      share > 1e-6 &&
      (slope - share * first <= 0.1 ||
        loss(points, slope - share * first, place - share * second, prior) > before)
    ) {
      share /= 2;
    }
    if (share <= 1e-6) break;
    slope -= share * first;
    place -= share * second;
    if (Math.abs(first) < 1e-6 && Math.abs(second) < 1e-8) break;
  }
  const { hessian } = derivatives(points, slope, place, prior);
  const determinant = hessian[0] * hessian[2] - hessian[1] ** 2;
  const variance = determinant > 0 ? hessian[0] / determinant : prior.place.sd ** 2;
  return { slope, place, placeSd: Math.sqrt(Math.min(variance, prior.place.sd ** 2)) };
}

function loss(points: readonly Point[], slope: number, place: number, prior: Prior): number {
  let sum =
    ((slope - prior.slope.mean) / prior.slope.sd) ** 2 / 2 +
    ((place - prior.place.mean) / prior.place.sd) ** 2 / 2;
  for (const { x, correct } of points) {
    const margin = slope * (x - place) * (correct ? 1 : -1);
    sum += margin > 0 ? Math.log1p(Math.exp(-margin)) : Math.log1p(Math.exp(margin)) - margin;
  }
  return sum;
}

/** Gradient, and the Hessian's expectation, which is positive definite: slope, both, place. */
function derivatives(
  points: readonly Point[],
  slope: number,
  place: number,
  prior: Prior,
): { gradient: [number, number]; hessian: [number, number, number] } {
  const gradient: [number, number] = [
    (slope - prior.slope.mean) / prior.slope.sd ** 2,
    (place - prior.place.mean) / prior.place.sd ** 2,
  ];
  const hessian: [number, number, number] = [1 / prior.slope.sd ** 2, 0, 1 / prior.place.sd ** 2];
  for (const { x, correct } of points) {
    const distance = x - place;
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
