import { dearestFirst, FiguresBy, figuresOf, grow, type Growing } from './figures.ts';
import type { Kind } from './kinds.ts';
import { PERIOD_UNITS, type Period, type PeriodUnit, type Range } from './periods.ts';
import { periodAt } from './periods.ts';
import type { Dimension, ReportRow } from './result.ts';
import { add, noSums, subtract, type SumReader, type Sums } from './sums.ts';
import type { Cell, Tallied } from './tally.ts';
import type { Zone } from './zone.ts';

/** Between the parts of a key; no text that is kept has it. */
const SEPARATOR = '\u0000';

/** The rows of a report, as they are added up. */
export interface RowBuilder {
  take(tallied: Tallied): void;
  rows(): ReportRow[];
}

export function isPeriod(dimension: Dimension): dimension is PeriodUnit {
  return PERIOD_UNITS.some((unit) => unit === dimension);
}

/** Rows by dimensions other than sessions. */
export function buildRows(by: readonly Dimension[], zone: Zone, hasMachines: boolean): RowBuilder {
  const figures = new FiguresBy();
  const isOfPeriodsAlone = by.every(isPeriod);
  return {
    take({ period, cells, idle }) {
      const periods = periodParts(by, period, zone);
      for (const cell of cells) grow(figures.at(keyOf(by, cell.kind, periods)), cell);
      // What stood idle belongs to a time, and to no model.
      if (!isOfPeriodsAlone || by.length === 0) return;
      const usd = idle.reduce((sum, each) => sum + each.usd, 0);
      if (usd > 0) figures.at([...periods.values()].join(SEPARATOR)).hardwareUsd += usd;
    },
    rows: () => rowsOf(by, figures, hasMachines),
  };
}

/**
 * Rows by session, and by what else is no time. What a machine cost is shared among sessions by the
 * time at work, kind by kind.
 */
export function sessionRows(
  by: readonly Dimension[],
  range: Range,
  { reader, kinds }: { reader: SumReader; kinds: ReadonlyMap<number, Kind> },
  tallied: ReadonlyMap<number, Cell>,
  hasMachines: boolean,
): ReportRow[] {
  const figures = new FiguresBy();
  const seen = new Map<number, Sums>();
  function take(session: string, kind: Kind, sums: Sums): void {
    if (sums.attempts === 0) return;
    const all = tallied.get(kind.id);
    const share = all === undefined || all.sums.ms === 0 ? 0 : sums.ms / all.sums.ms;
    const hardwareUsd = (all?.hardwareUsd ?? 0) * share;
    const key = by
      .map((dimension) => (dimension === 'session' ? session : partOf(dimension, kind)))
      .join(SEPARATOR);
    grow(figures.at(key), { kind, sums, hardwareUsd, atClaudeUsd: 0 });
  }
  for (const { session, kind: id, sums } of reader.bySession(range)) {
    const kind = kinds.get(id);
    if (kind === undefined) continue;
    take(session, kind, sums);
    const so = seen.get(id) ?? noSums();
    add(so, sums);
    seen.set(id, so);
  }
  for (const { kind, sums } of tallied.values()) take('', kind, less(sums, seen.get(kind.id)));
  return rowsOf(by, figures, hasMachines);
}

function less(all: Sums, some: Sums = noSums()): Sums {
  const left = { ...all };
  subtract(left, some);
  return left;
}

function periodParts(by: readonly Dimension[], period: Period, zone: Zone): Map<Dimension, string> {
  return new Map(by.filter(isPeriod).map((unit) => [unit, periodAt(unit, period.since, zone).key]));
}

function keyOf(
  by: readonly Dimension[],
  kind: Kind,
  periods: ReadonlyMap<Dimension, string>,
): string {
  return by.map((dimension) => periods.get(dimension) ?? partOf(dimension, kind)).join(SEPARATOR);
}

function partOf(dimension: Dimension, kind: Kind): string {
  switch (dimension) {
    case 'provider':
    case 'tier':
    case 'agent':
    case 'category':
      return kind[dimension];
    case 'model':
      return kind.target;
    default:
      return '';
  }
}

function rowsOf(by: readonly Dimension[], figures: FiguresBy, hasMachines: boolean): ReportRow[] {
  const entries: [string, Growing][] = [...figures.entries()];
  const rows = entries.map(([key, growing]): ReportRow => {
    const parts = key.split(SEPARATOR);
    return {
      key: Object.fromEntries(by.map((dimension, index) => [dimension, parts[index] ?? ''])),
      ...figuresOf(growing, hasMachines),
    };
  });
  const periods = by.filter(isPeriod);
  return rows.sort((a, b) => {
    for (const unit of periods) {
      const order = (a.key[unit] ?? '').localeCompare(b.key[unit] ?? '');
      if (order !== 0) return order;
    }
    return dearestFirst(a, b);
  });
}
