import type { Hardware } from '../../config/schema.ts';
import { AppError } from '../../core/errors.ts';
import type { Database } from '../../storage/database.ts';
import { withStorage } from '../../storage/failure.ts';
import type { Charges } from '../charge.ts';
import { advise } from './advice/advise.ts';
import { budgetOf, type Limit } from './budget.ts';
import { dearestFirst, FiguresBy, figuresOf, grow, newFigures } from './figures.ts';
import { readKinds } from './kinds.ts';
import { machinesOf } from './machines.ts';
import { notesOf } from './notes.ts';
import { calibrate } from './pairs.ts';
import { daysLater, periodsOf, type PeriodUnit, type Range } from './periods.ts';
import type { CostReport, Dimension, Named } from './result.ts';
import { buildRows, isPeriod, sessionRows } from './rows.ts';
import { addCost, newCosts, ratioOf, roiOf, savedUsd, savingsOf } from './savings.ts';
import { createSumReader, noSums, add } from './sums.ts';
import { tally, type Cell } from './tally.ts';
import { withOffset, type Zone } from './zone.ts';

export interface ReportOptions {
  database: Database;
  charges: Charges;
  zone: Zone;
  now: number;
  /** The last 30 days when absent. */
  since?: number | undefined;
  /** Now when absent; nothing later counts. */
  until?: number | undefined;
  by: readonly Dimension[];
  /** What a fleet on Claude alone would ask, as `anthropic:claude-sonnet-5-5`. */
  reference: string;
  machines: readonly Hardware[];
  investmentUsd?: number | undefined;
  limit?: Limit | undefined;
  /** What the tiers are configured with. */
  targets: readonly string[];
  /** Whether it is said what to change, which takes longer. */
  withAdvice: boolean;
}

const DEFAULT_DAYS = 30;
const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** A longer time is looked at in weeks or months. */
const MOST_DAYS = 92;
const MILLION = 1e6;

/**
 * What was spent, what it would have cost, and what to change: added up from the attempts
 * themselves, in one view of the database.
 * @throws AppError `usage.range`, `usage.by`; `storage.*`
 */
export function costReport(options: ReportOptions): CostReport {
  refuseNonsense(options.by);
  const view = options.database.transaction(() => reportOf(options));
  return withStorage(() => view.deferred());
}

function reportOf(options: ReportOptions): CostReport {
  const { database, charges, zone, now, by, reference, machines, limit } = options;
  const range = rangeOf(options);
  const reader = createSumReader(database);
  const kinds = readKinds(database);
  const extent = reader.extent();
  // Machines cost nothing before anything was recorded.
  const since = Math.max(range.since, extent?.first ?? range.until);
  const counted = { since: Math.min(since, range.until), until: range.until };
  const hours = (counted.until - counted.since) / HOUR_MS;
  const unit = granularity(by, counted);
  const hasMachines = machines.length > 0;
  let isPriced = true;

  const builder = by.includes('session') ? undefined : buildRows(by, zone, hasMachines);
  const total = newFigures();
  const split = { tier: new FiguresBy(), model: new FiguresBy(), purpose: new FiguresBy() };
  const byKind = new Map<number, Cell>();
  const costs = newCosts();
  const points: {
    period: string;
    figures: typeof total;
    selfHosted: number;
    costs: typeof costs;
  }[] = [];
  const claudeUsd = (input: number, output: number, at: number): number => {
    const price = charges.priceOf(reference, at);
    if (price === undefined) isPriced = false;
    const { input: perInput, output: perOutput } = price?.usdPerMTok ?? { input: 0, output: 0 };
    return (input * perInput + output * perOutput) / MILLION;
  };

  for (const tallied of tally(
    { reader, kinds, machines, claudeUsd },
    periodsOf(unit, counted, zone),
  )) {
    const point = {
      period: tallied.period.key,
      figures: newFigures(),
      selfHosted: 0,
      costs: newCosts(),
    };
    for (const cell of tallied.cells) {
      const { kind, sums } = cell;
      for (const figures of [
        total,
        point.figures,
        split.tier.at(kind.tier),
        split.model.at(kind.target),
        split.purpose.at(kind.purpose),
      ]) {
        grow(figures, cell);
      }
      if (kind.selfHosted) point.selfHosted += sums.attempts;
      addCost(costs, cell);
      addCost(point.costs, cell);
      gather(byKind, cell);
    }
    for (const { usd } of tallied.idle) {
      for (const figures of [total, point.figures]) figures.hardwareUsd += usd;
      for (const each of [costs, point.costs]) each.actualUsd += usd;
    }
    points.push(point);
    builder?.take(tallied);
  }

  const price = charges.priceOf(reference, range.until - 1);
  const calibration = price && calibrate(database, range.until, price);
  const ratio = ratioOf(calibration);
  const savings =
    isPriced && price !== undefined
      ? savingsOf(costs, reference, calibration)
      : ({
          state: 'unknown',
          why: `There is no price of ${reference} for all of this time.`,
        } as const);
  const cells = [...byKind.values()];
  const figures = figuresOf(total, hasMachines);
  return {
    schema: 'aqe-llm/cost-report@1',
    generatedAt: new Date(now).toISOString(),
    since: withOffset(range.since, zone),
    until: withOffset(range.until, zone),
    timezone: zone.name,
    currency: 'USD',
    by: [...by],
    total: figures,
    rows: builder?.rows() ?? sessionRows(by, counted, reader, byKind, hasMachines),
    trend: {
      unit,
      points: points.map(({ period, figures: grown, selfHosted, costs: its }) => {
        const { attempts, usd, hardwareUsd } = figuresOf(grown, hasMachines);
        const saved = savings.state === 'estimated' ? savedUsd(its, ratio) : null;
        return { period, attempts, selfHosted, usd, hardwareUsd, savedUsd: saved };
      }),
    },
    split: {
      tier: namedOf(split.tier, hasMachines),
      model: namedOf(split.model, hasMachines),
      purpose: namedOf(split.purpose, hasMachines),
    },
    savings,
    machines: machinesOf(machines, cells, hours, ratio.estimate),
    roi:
      options.investmentUsd === undefined || savings.state !== 'estimated'
        ? null
        : roiOf(options.investmentUsd, savings.savedUsd, hours),
    budget: limit === undefined ? null : budgetOf(limit, now, zone, reader),
    advice: options.withAdvice ? advise({ ...options, range: counted, hours, cells }) : [],
    notes: notesOf({ database, reader, cells, range: counted, now, hasMachines }),
  };
}

/** @throws AppError `usage.by` */
function refuseNonsense(by: readonly Dimension[]): void {
  const twice = by.find((dimension, index) => by.indexOf(dimension) < index);
  if (twice !== undefined) {
    throw new AppError('usage.by', `--by ${twice} is given twice.`, {
      hint: 'Each is given once, as in --by month --by model.',
    });
  }
  const unit = by.find(isPeriod);
  if (unit === undefined || !by.includes('session')) return;
  throw new AppError('usage.by', `A report is by session or by ${unit}, not by both.`, {
    hint: 'Choose the time with --since and --until, and give --by session alone or with what is no time.',
  });
}

/** @throws AppError `usage.range` */
function rangeOf({ since, until, now, zone }: ReportOptions): Range {
  const end = Math.min(until ?? now, now);
  const start = since ?? zone.startOf(daysLater(zone.dayAt(end), 1 - DEFAULT_DAYS));
  if (start < end) return { since: start, until: end };
  throw new AppError(
    'usage.range',
    `There is no time from ${withOffset(start, zone)} until ${withOffset(end, zone)}.`,
    { hint: 'Give --since and --until so that the first comes before the second and before now.' },
  );
}

/** The largest pieces of which all that is asked for is made. */
function granularity(by: readonly Dimension[], { since, until }: Range): PeriodUnit {
  const isLong = until - since > MOST_DAYS * DAY_MS;
  if (!isLong || by.includes('day')) return 'day';
  if (!by.includes('week')) return 'month';
  return by.includes('month') ? 'day' : 'week';
}

function gather(byKind: Map<number, Cell>, { kind, sums, hardwareUsd, atClaudeUsd }: Cell): void {
  const so = byKind.get(kind.id) ?? { kind, sums: noSums(), hardwareUsd: 0, atClaudeUsd: 0 };
  add(so.sums, sums);
  so.hardwareUsd += hardwareUsd;
  so.atClaudeUsd += atClaudeUsd;
  byKind.set(kind.id, so);
}

function namedOf(figures: FiguresBy, hasMachines: boolean): Named[] {
  return [...figures.entries()]
    .map(([name, growing]) => ({ name, ...figuresOf(growing, hasMachines) }))
    .sort(dearestFirst);
}
