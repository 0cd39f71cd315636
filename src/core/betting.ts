/** Equal observations of two sides, each from 0 to 1, and how many there were. */
export interface Tally {
  candidate: number;
  reference: number;
  count: number;
}

/**
 * Shares of the largest bet that keeps the wealth positive: 1/2, 1/4, … 1/256. What is staked is
 * spread evenly over them, so that no bet has to be chosen from the data.
 */
const BETS: readonly number[] = Array.from({ length: 8 }, (_, place) => 2 ** -(place + 1));

/**
 * Natural logarithm of the e-value against "the candidate's mean is at most `ratio` times the
 * reference's". Whoever rejects that once it reaches log(1/α) is wrong with probability α at most,
 * however often they look: it is the wealth of bets λ on x = candidate − ratio · reference, each
 * with λ ≤ 0.5/ratio, averaged over `BETS` (Waudby-Smith & Ramdas, "Estimating means of bounded
 * random variables by betting", JRSS-B 86, 2024, §4 and the mixtures of §B). It does not depend on
 * the order of observations.
 * @param ratio positive
 * @returns 0 for no observations
 */
export function evidenceAbove(tallies: readonly Tally[], ratio: number): number {
  return mixture(tallies, ({ candidate, reference }) => candidate / ratio - reference);
}

/** The same against "the candidate's mean is at least `ratio` times the reference's", with λ ≤ 0.5. */
export function evidenceBelow(tallies: readonly Tally[], ratio: number): number {
  return mixture(tallies, ({ candidate, reference }) => ratio * reference - candidate);
}

/** Where the ratio of means lies, at any time at once: a confidence sequence. */
export interface RatioBounds {
  /** Ratios up to here are rejected; 0 where none is. */
  lower: number;
  /** Ratios from here on are rejected; infinite where none is. */
  upper: number;
}

/**
 * The ratios that `evidenceAbove` and `evidenceBelow` do not reject.
 * @param level logarithms of the e-values that reject, as log 20 for 95 % on one side
 */
export function ratioBounds(
  tallies: readonly Tally[],
  level: { lower: number; upper: number },
): RatioBounds {
  const rejectsLow = (ratio: number): boolean => evidenceAbove(tallies, ratio) >= level.lower;
  const rejectsHigh = (ratio: number): boolean => evidenceBelow(tallies, ratio) >= level.upper;
  return {
    lower: rejectsLow(LEAST_RATIO) ? between(LEAST_RATIO, MOST_RATIO, rejectsLow) : 0,
    upper: rejectsHigh(MOST_RATIO)
      ? between(MOST_RATIO, LEAST_RATIO, rejectsHigh)
      : Number.POSITIVE_INFINITY,
  };
}

const LEAST_RATIO = 1e-6;
const MOST_RATIO = 1e3;
/** Halvings on a logarithmic scale: the bound is right to six digits. */
const HALVINGS = 36;

/** The border between `rejected`, where the test rejects, and `kept`, where it does not. */
function between(rejected: number, kept: number, rejects: (ratio: number) => boolean): number {
  let [inside, outside] = [rejected, kept];
  for (let halving = 0; halving < HALVINGS; halving += 1) {
    const middle = Math.sqrt(inside * outside);
    if (rejects(middle)) inside = middle;
    else outside = middle;
  }
  return inside;
}

/** log of the mean over the bets of Π (1 + bet · gain), where each gain is −1 or more. */
function mixture(tallies: readonly Tally[], gainOf: (tally: Tally) => number): number {
  const gains = tallies.map((tally) => ({ gain: gainOf(tally), count: tally.count }));
  const logs = BETS.map((bet) =>
    gains.reduce((sum, { gain, count }) => sum + count * Math.log1p(bet * gain), 0),
  );
  const most = Math.max(...logs);
  return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / BETS.length);
}

/**
 * Pearson's chi-square statistic, one degree of freedom, of how units were split in two.
 * @param share expected share of the first part, between 0 and 1
 */
export function splitChiSquare(first: number, second: number, share: number): number {
  const expected = (first + second) * share;
  const other = first + second - expected;
  return (first - expected) ** 2 / expected + (second - other) ** 2 / other;
}

/** The 0.999 quantile of chi-square with one degree of freedom: a larger statistic has p < 0.001. */
export const CHI_SQUARE_999 = 10.8276;
