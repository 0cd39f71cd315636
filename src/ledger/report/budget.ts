import { mean } from '../../core/statistics.ts';
import { periodAt, periodsOf, type PeriodUnit } from './periods.ts';
import type { Budget, Interval } from './result.ts';
import type { SumReader } from './sums.ts';
import { withOffset, type Zone } from './zone.ts';

/** Whole days that a forecast looks back on. */
const DAYS = 28;
/** Fewer say nothing about how days differ. */
const LEAST_DAYS = 3;
/** One-sided 95 %. */
const Z_95 = 1.645;
const DAY_MS = 86_400_000;
const NANO = 1e9;
const LEVELS = [
  [0.5, '50 %'],
  [0.8, '80 %'],
  [1, '100 %'],
] as const;

export interface Limit {
  usd: number;
  unit: PeriodUnit;
}

/** Reads `500/month`; `undefined` for what is no budget. */
export function readLimit(text: string): Limit | undefined {
  const [, amount, unit] = /^\$?(\d+(?:\.\d+)?)\/(day|week|month)$/.exec(text) ?? [];
  if (amount === undefined || (unit !== 'day' && unit !== 'week' && unit !== 'month'))
    return undefined;
  return { usd: Number(amount), unit };
}

/** How much of a budget is spent in its period so far, and how much it will be if days go on as they went. */
export function budgetOf(limit: Limit, now: number, zone: Zone, reader: SumReader): Budget {
  const period = periodAt(limit.unit, now, zone);
  const { usd: spentUsd, unpriced } = spent(reader, period.since, now);
  const share = limit.usd === 0 ? (spentUsd > 0 ? Infinity : 0) : spentUsd / limit.usd;
  const forecastUsd = forecast(spentUsd, period.until, now, zone, reader);
  const over = spentUsd > limit.usd;
  const alerts: Budget['alerts'] = LEVELS.flatMap(([level, name]) =>
    share >= level ? [name] : [],
  );
  if (!over && forecastUsd !== null && forecastUsd.estimate > limit.usd) alerts.push('forecast');
  return {
    limitUsd: limit.usd,
    unit: limit.unit,
    period: period.key,
    since: withOffset(period.since, zone),
    until: withOffset(period.until, zone),
    spentUsd,
    share: Number.isFinite(share) ? share : 1,
    forecastUsd,
    alerts,
    over,
    unpriced,
  };
}

/** What is spent, and for what is left of the period the mean of the latest whole days; as wide as days differ. */
function forecast(
  spentUsd: number,
  end: number,
  now: number,
  zone: Zone,
  reader: SumReader,
): Interval | null {
  const today = zone.startOf(zone.dayAt(now));
  const extent = reader.extent();
  if (extent === undefined) return null;
  const since = Math.max(today - DAYS * DAY_MS, extent.first);
  const days = periodsOf('day', { since, until: today }, zone)
    .filter(({ whole, since: from, until: to }) => whole.since === from && whole.until === to)
    .map(({ since: from, until: to }) => spent(reader, from, to).usd);
  if (days.length < LEAST_DAYS) return null;
  const daily = mean(days);
  const variance = days.reduce((sum, usd) => sum + (usd - daily) ** 2, 0) / (days.length - 1);
  const left = (end - now) / DAY_MS;
  const margin = Z_95 * Math.sqrt(variance * (left + left ** 2 / days.length));
  const estimate = spentUsd + daily * left;
  return {
    lower: Math.max(spentUsd, estimate - margin),
    estimate,
    upper: estimate + margin,
  };
}

function spent(reader: SumReader, since: number, until: number): { usd: number; unpriced: number } {
  let nanoUsd = 0;
  let unpriced = 0;
  for (const { sums } of reader.byKind({ since, until })) {
    nanoUsd += sums.nanoUsd;
    unpriced += sums.attempts - sums.priced;
  }
  return { usd: nanoUsd / NANO, unpriced };
}
