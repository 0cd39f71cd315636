import { fitLogistic, type Logistic, type Point, type Prior } from './logistic.ts';
import { confidenceOf, MOST_UNVERIFIED, type Belief, type Pattern } from './pattern.ts';
import type { PatternStore } from './store.ts';

/** How well stated confidences foretold outcomes; NaN without any. */
export interface Calibration {
  /** Mean squared distance of confidence and outcome (Brier 1950); 0 is perfect. */
  brier: number;
  /** Expected calibration error over ten bins of equal width (Naeini et al. 2015). */
  ece: number;
}

export interface Recalibration {
  /** Outcomes that were observed. */
  outcomes: number;
  before: Calibration;
  /** Of outcomes that the mapping was not made from (five folds, by pattern); absent with too few. */
  after?: Calibration;
  /** Confidences that change; none where the mapping foretells no better. */
  changes: { id: string; before: number; after: number }[];
}

/** Fewer outcomes teach nothing about the others. */
const FEWEST = 50;
const FOLDS = 5;
const BINS = 10;
/** The mapping is used where it is better by at least this much of Brier's score. */
const LEAST_GAIN = 0.001;
/** Confidences are taken at their word until outcomes speak. */
const WORD: Prior = { slope: { mean: 1, sd: 0.5 }, place: { mean: 0, sd: 1 } };
const LEAST_CHANGE = 0.005;

/** What was said of a pattern before anything was observed of it, and what was. */
interface Claim {
  pattern: Pattern;
  /** Observations that the claim is worth. */
  weight: number;
  confidence: number;
}

/**
 * Brings what was said of patterns in line with how patterns of that confidence turned out (Platt
 * scaling of the claim's logit). What was observed of each counts on top, as before.
 * @param apply false only tells what would change
 */
export function recalibrate(store: PatternStore, { apply }: { apply: boolean }): Recalibration {
  const claims = [...store.each()].map(claimOf).filter((claim) => claim !== undefined);
  const observed = claims.filter(({ pattern }) => seen(pattern) > 0);
  const outcomes = observed.reduce((sum, { pattern }) => sum + seen(pattern), 0);
  const before = calibrationOf(observed, ({ confidence }) => confidence);
  if (outcomes < FEWEST) return { outcomes, before, changes: [] };
  const held = new Map(
    Array.from({ length: FOLDS }, (_, fold) => fold).flatMap((fold) => {
      const mapping = mappingOf(observed.filter((_claim, index) => index % FOLDS !== fold));
      return observed
        .filter((_claim, index) => index % FOLDS === fold)
        .map((claim) => [claim, mapped(mapping, claim)] as const);
    }),
  );
  const after = calibrationOf(observed, (claim) => held.get(claim) ?? claim.confidence);
  if (before.brier - after.brier < LEAST_GAIN) return { outcomes, before, after, changes: [] };
  const mapping = mappingOf(observed);
  const changed = claims
    .map((claim) => ({ claim, belief: beliefOf(claim, mapped(mapping, claim)) }))
    .filter(
      ({ claim: { pattern }, belief }) =>
        Math.abs(confidenceOf(pattern.belief) - confidenceOf(belief)) >= LEAST_CHANGE,
    );
  if (apply) {
    store.together(() => {
      for (const { claim } of changed) {
        store.update(claim.pattern.id, (pattern) => {
          // Somebody may have observed more of it meanwhile.
          const now = claimOf(pattern);
          if (now === undefined) return pattern;
          return { ...pattern, belief: beliefOf(now, mapped(mapping, now)) };
        });
      }
    });
  }
  const changes = changed.map(({ claim: { pattern }, belief }) => ({
    id: pattern.id,
    before: confidenceOf(pattern.belief),
    after: confidenceOf(belief),
  }));
  return { outcomes, before, after, changes };
}

function seen({ outcomes: { good, bad } }: Pattern): number {
  return good + bad;
}

/** `undefined` where nothing but outcomes stands behind the belief. */
function claimOf(pattern: Pattern): Claim | undefined {
  const { belief, outcomes } = pattern;
  const alpha = belief.alpha - outcomes.good;
  const beta = belief.beta - outcomes.bad;
  if (alpha <= 0 || beta <= 0) return undefined;
  return { pattern, weight: alpha + beta, confidence: alpha / (alpha + beta) };
}

function beliefOf({ pattern, weight }: Claim, confidence: number): Belief {
  const { good, bad } = pattern.outcomes;
  return { alpha: confidence * weight + good, beta: (1 - confidence) * weight + bad };
}

function mappingOf(claims: readonly Claim[]): Logistic {
  const points = claims.flatMap(({ pattern: { outcomes }, confidence }): Point[] => {
    const x = logit(confidence);
    return Array.from({ length: outcomes.good + outcomes.bad }, (_, index) => ({
      x,
      correct: index < outcomes.good,
    }));
  });
  return fitLogistic(points, WORD);
}

function mapped({ slope, place }: Logistic, { pattern, confidence }: Claim): number {
  const probability = 1 / (1 + Math.exp(-slope * (logit(confidence) - place)));
  const most = pattern.verified === 'no' ? MOST_UNVERIFIED : 0.999;
  return Math.min(most, Math.max(0.001, probability));
}

function logit(probability: number): number {
  return Math.log(probability / (1 - probability));
}

function calibrationOf(
  claims: readonly Claim[],
  confidenceIn: (claim: Claim) => number,
): Calibration {
  const bins = Array.from({ length: BINS }, () => ({ n: 0, good: 0, sum: 0 }));
  let squares = 0;
  let n = 0;
  for (const claim of claims) {
    const { good, bad } = claim.pattern.outcomes;
    const p = confidenceIn(claim);
    squares += good * (1 - p) ** 2 + bad * p ** 2;
    n += good + bad;
    const bin = bins[Math.min(BINS - 1, Math.floor(p * BINS))];
    if (bin === undefined) continue;
    bin.n += good + bad;
    bin.good += good;
    bin.sum += p * (good + bad);
  }
  const off = bins.reduce((sum, bin) => sum + Math.abs(bin.good - bin.sum), 0);
  return { brier: squares / n, ece: off / n };
}
