import { seededIndex } from './random.ts';

/** Arithmetic mean; NaN for no values. */
export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/**
 * Quantile by linear interpolation between order statistics (Hyndman & Fan 1996, type 7).
 * @param sorted ascending
 * @param p between 0 and 1
 * @returns NaN for no values
 */
export function quantile(sorted: readonly number[], p: number): number {
  if (sorted.length === 0) return Number.NaN;
  const position = (sorted.length - 1) * p;
  const below = Math.floor(position);
  const low = sorted[below] ?? Number.NaN;
  const high = sorted[below + 1] ?? low;
  return low + (high - low) * (position - below);
}

/** The same task answered by both sides. */
export interface Pair {
  /** Resampling keeps the number of clusters of each stratum. */
  stratum: string;
  /** Tasks that share a source file stand or fall together and are resampled together. */
  cluster: string;
  candidate: number;
  reference: number;
}

export interface RatioInterval {
  /** Mean of the candidate over mean of the reference. */
  ratio: number;
  /** One-sided 95 % bounds. */
  lower: number;
  upper: number;
  /** Independent units behind the interval. */
  clusters: number;
  method: 'bootstrap' | 'delta-t';
}

/** Fewer clusters than this and the bootstrap's bounds are too narrow: the t interval is used. */
export const BOOTSTRAP_MIN_CLUSTERS = 30;
const RESAMPLES = 10_000;
const TAIL = 0.05;

/** 0.95 quantiles of Student's t for 1, 2, … 29 degrees of freedom. */
const T_95 = [
  6.3138, 2.92, 2.3534, 2.1318, 2.015, 1.9432, 1.8946, 1.8595, 1.8331, 1.8125, 1.7959, 1.7823,
  1.7709, 1.7613, 1.7531, 1.7459, 1.7396, 1.7341, 1.7291, 1.7247, 1.7207, 1.7171, 1.7139, 1.7109,
  1.7081, 1.7056, 1.7033, 1.7011, 1.6991,
];

interface Cluster {
  candidate: number;
  reference: number;
}

/**
 * Paired ratio of means with one-sided 95 % bounds.
 * From 30 clusters on: percentile bootstrap, 10,000 seeded resamples of whole clusters within each
 * stratum (Davison & Hinkley 1997, ch. 2–3). Below: the delta-method interval of a ratio of cluster
 * totals with Student's t on clusters − 1 degrees of freedom (Cochran 1977, §6.4).
 * @returns `undefined` when the reference's mean is not positive or there are fewer than two clusters
 */
export function ratioOfMeans(pairs: readonly Pair[], seed: number): RatioInterval | undefined {
  const strata = clustersByStratum(pairs);
  const clusters = strata.flat();
  const total = sumOf(clusters);
  if (!(total.reference > 0) || clusters.length < 2) return undefined;
  const ratio = total.candidate / total.reference;
  return clusters.length < BOOTSTRAP_MIN_CLUSTERS
    ? deltaInterval(clusters, ratio)
    : bootstrapInterval(strata, ratio, seed);
}

function clustersByStratum(pairs: readonly Pair[]): Cluster[][] {
  const strata = new Map<string, Map<string, Cluster>>();
  for (const pair of pairs) {
    const stratum = strata.get(pair.stratum) ?? new Map<string, Cluster>();
    const cluster = stratum.get(pair.cluster) ?? { candidate: 0, reference: 0 };
    cluster.candidate += pair.candidate;
    cluster.reference += pair.reference;
    strata.set(pair.stratum, stratum.set(pair.cluster, cluster));
  }
  return [...strata.values()].map((stratum) => [...stratum.values()]);
}

function sumOf(clusters: readonly Cluster[]): Cluster {
  const sum = { candidate: 0, reference: 0 };
  for (const cluster of clusters) {
    sum.candidate += cluster.candidate;
    sum.reference += cluster.reference;
  }
  return sum;
}

function deltaInterval(clusters: readonly Cluster[], ratio: number): RatioInterval {
  const n = clusters.length;
  const referenceMean = sumOf(clusters).reference / n;
  const squares = clusters.map(({ candidate, reference }) => (candidate - ratio * reference) ** 2);
  const variance = squares.reduce((sum, square) => sum + square, 0) / (n - 1);
  const standardError = Math.sqrt(variance / n) / referenceMean;
  const margin = (T_95[n - 2] ?? Number.NaN) * standardError;
  return {
    ratio,
    lower: ratio - margin,
    upper: ratio + margin,
    clusters: n,
    method: 'delta-t',
  };
}

function bootstrapInterval(
  strata: readonly (readonly Cluster[])[],
  ratio: number,
  seed: number,
): RatioInterval {
  const randomIndex = seededIndex(seed);
  const ratios: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    let candidate = 0;
    let reference = 0;
    for (const stratum of strata) {
      for (let draw = 0; draw < stratum.length; draw++) {
        const cluster = stratum[randomIndex(stratum.length)];
        candidate += cluster?.candidate ?? 0;
        reference += cluster?.reference ?? 0;
      }
    }
    if (reference > 0) ratios.push(candidate / reference);
  }
  ratios.sort((a, b) => a - b);
  return {
    ratio,
    lower: quantile(ratios, TAIL),
    upper: quantile(ratios, 1 - TAIL),
    clusters: strata.flat().length,
    method: 'bootstrap',
  };
}
