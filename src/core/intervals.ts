import { seededIndex } from './random.ts';
import { normalCdf, normalQuantile, quantile } from './statistics.ts';

/** The same task answered by both sides. */
export interface Pair {
  /** Resampling keeps the number of clusters of each stratum. */
  stratum: string;
  /** Tasks that share a source file stand or fall together and are resampled together. */
  cluster: string;
  candidate: number;
  reference: number;
}

interface Interval {
  /** Bounds that the truth stays within on one side in 95 % of all samples, or on both, as the function says. */
  lower: number;
  upper: number;
  /** Independent units behind the interval. */
  clusters: number;
  method: 'bootstrap' | 'delta-t';
}

export interface RatioInterval extends Interval {
  /** Mean of the candidate over mean of the reference. */
  ratio: number;
}

export interface DifferenceInterval extends Interval {
  /** Mean of the candidate less mean of the reference. */
  difference: number;
}

/** Fewer clusters than this and the bootstrap's bounds are too narrow: the t interval is used. */
export const BOOTSTRAP_MIN_CLUSTERS = 30;
const RESAMPLES = 10_000;

/** Quantiles of Student's t for 1, 2, … 28 degrees of freedom, by the chance in the tail. */
const T = {
  0.05: [
    6.3138, 2.92, 2.3534, 2.1318, 2.015, 1.9432, 1.8946, 1.8595, 1.8331, 1.8125, 1.7959, 1.7823,
    1.7709, 1.7613, 1.7531, 1.7459, 1.7396, 1.7341, 1.7291, 1.7247, 1.7207, 1.7171, 1.7139, 1.7109,
    1.7081, 1.7056, 1.7033, 1.7011,
  ],
  0.025: [
    12.7062, 4.3027, 3.1824, 2.7764, 2.5706, 2.4469, 2.3646, 2.306, 2.2622, 2.2281, 2.201, 2.1788,
    2.1604, 2.1448, 2.1314, 2.1199, 2.1098, 2.1009, 2.093, 2.086, 2.0796, 2.0739, 2.0687, 2.0639,
    2.0595, 2.0555, 2.0518, 2.0484,
  ],
};
type Tail = keyof typeof T;

/** Totals of one cluster; the statistic is the ratio of their sums. */
interface Cluster {
  over: number;
  under: number;
}

/**
 * Paired ratio of means with one-sided 95 % bounds.
 * From 30 clusters on: bias-corrected and accelerated bootstrap, 10,000 seeded resamples of whole
 * clusters within each stratum (Efron 1987; Davison & Hinkley 1997, §5.3.2). Below: the delta-method
 * interval of a ratio of cluster totals with Student's t on clusters − 1 degrees of freedom (Cochran
 * 1977, §6.4).
 * @returns `undefined` when the reference's mean is not positive or there are fewer than two clusters
 */
export function ratioOfMeans(
  pairs: readonly Pair[],
  seed: number,
  resamples = RESAMPLES,
): RatioInterval | undefined {
  const strata = clustersByStratum(pairs, (pair) => [pair.candidate, pair.reference]);
  const found = intervalOf(strata, 0.05, seed, resamples);
  if (found === undefined) return undefined;
  const { value, ...interval } = found;
  return { ratio: value, ...interval };
}

/**
 * Paired difference of means with a two-sided 95 % interval, by the same methods.
 * @returns `undefined` when there are fewer than two clusters
 */
export function differenceOfMeans(
  pairs: readonly Pair[],
  seed: number,
  resamples = RESAMPLES,
): DifferenceInterval | undefined {
  // A mean is a ratio of totals as well: clusters need not be of one size.
  const strata = clustersByStratum(pairs, (pair) => [pair.candidate - pair.reference, 1]);
  const found = intervalOf(strata, 0.025, seed, resamples);
  if (found === undefined) return undefined;
  const { value, ...interval } = found;
  return { difference: value, ...interval };
}

function clustersByStratum(
  pairs: readonly Pair[],
  totals: (pair: Pair) => readonly [over: number, under: number],
): Cluster[][] {
  const strata = new Map<string, Map<string, Cluster>>();
  for (const pair of pairs) {
    const stratum = strata.get(pair.stratum) ?? new Map<string, Cluster>();
    const cluster = stratum.get(pair.cluster) ?? { over: 0, under: 0 };
    const [over, under] = totals(pair);
    cluster.over += over;
    cluster.under += under;
    strata.set(pair.stratum, stratum.set(pair.cluster, cluster));
  }
  return [...strata.values()].map((stratum) => [...stratum.values()]);
}

type Found = Interval & { value: number };

function intervalOf(
  strata: readonly (readonly Cluster[])[],
  tail: Tail,
  seed: number,
  resamples: number,
): Found | undefined {
  const clusters = strata.flat();
  const total = sumOf(clusters);
  if (!(total.under > 0) || clusters.length < 2) return undefined;
  const value = total.over / total.under;
  return clusters.length < BOOTSTRAP_MIN_CLUSTERS
    ? deltaInterval(clusters, value, tail)
    : bootstrapInterval(strata, value, tail, seed, resamples);
}

function sumOf(clusters: readonly Cluster[]): Cluster {
  const sum = { over: 0, under: 0 };
  for (const cluster of clusters) {
    sum.over += cluster.over;
    sum.under += cluster.under;
  }
  return sum;
}

function deltaInterval(clusters: readonly Cluster[], value: number, tail: Tail): Found {
  const n = clusters.length;
  const squares = clusters.map(({ over, under }) => (over - value * under) ** 2);
  const variance = squares.reduce((sum, square) => sum + square, 0) / (n - 1);
  const standardError = Math.sqrt(variance / n) / (sumOf(clusters).under / n);
  const margin = (T[tail][n - 2] ?? Number.NaN) * standardError;
  return { value, lower: value - margin, upper: value + margin, clusters: n, method: 'delta-t' };
}

function bootstrapInterval(
  strata: readonly (readonly Cluster[])[],
  value: number,
  tail: Tail,
  seed: number,
  resamples: number,
): Found {
  const randomIndex = seededIndex(seed);
  const values: number[] = [];
  for (let resample = 0; resample < resamples; resample++) {
    let over = 0;
    let under = 0;
    for (const stratum of strata) {
      for (let draw = 0; draw < stratum.length; draw++) {
        const cluster = stratum[randomIndex(stratum.length)];
        over += cluster?.over ?? 0;
        under += cluster?.under ?? 0;
      }
    }
    if (under > 0) values.push(over / under);
  }
  values.sort((a, b) => a - b);
  const clusters = strata.flat().length;
  const adjust = adjustment(strata, value, values);
  const [lower, upper] =
    adjust === undefined
      ? [value, value]
      : [quantile(values, adjust(tail)), quantile(values, adjust(1 - tail))];
  return { value, lower, upper, clusters, method: 'bootstrap' };
}

/**
 * The level at which the bootstrap's distribution is read for a level that is meant: corrected for its
 * bias and for a spread that changes with the value. Rare, bad answers make plain percentiles too
 * narrow below.
 * @returns `undefined` when no cluster differs from the others
 */
function adjustment(
  strata: readonly (readonly Cluster[])[],
  value: number,
  sorted: readonly number[],
): ((level: number) => number) | undefined {
  let squares = 0;
  let cubes = 0;
  for (const stratum of strata) {
    const influences = stratum.map(({ over, under }) => over - value * under);
    const centre = influences.reduce((sum, one) => sum + one, 0) / stratum.length;
    for (const influence of influences) {
      squares += (influence - centre) ** 2;
      cubes += (influence - centre) ** 3;
    }
  }
  if (!(squares > 1e-18)) return undefined;
  const acceleration = cubes / (6 * squares ** 1.5);
  const below = sorted.filter((one) => one < value).length;
  const equal = sorted.filter((one) => one === value).length;
  const bias = normalQuantile((below + equal / 2 + 0.5) / (sorted.length + 1));
  return (level) => {
    const shifted = bias + normalQuantile(level);
    return normalCdf(bias + shifted / (1 - acceleration * shifted));
  };
}
