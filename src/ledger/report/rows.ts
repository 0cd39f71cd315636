import { dearestFirst, FiguresBy, figuresOf, grow, newFigures, type Growing } from './figures.ts';
import type { Kind } from './kinds.ts';
import { PERIOD_UNITS, type Period, type PeriodUnit, type Range } from './periods.ts';
import { periodAt } from './periods.ts';
import type { Dimension, ReportRow } from './result.ts';
import { subtract, type SessionKind, type SumReader } from './sums.ts';
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
  reader: SumReader,
  tallied: ReadonlyMap<number, Cell>,
  hasMachines: boolean,
): ReportRow[] {
  const groups = new Map<string, Group>();
  const kinds = [...tallied.values()].map((cell): SessionKind => {
    const { kind, sums, hardwareUsd } = cell;
    const parts = by.map((dimension) => partOf(dimension, kind));
    const name = parts.join(SEPARATOR);
    const group = groups.get(name) ?? { number: groups.size, parts, rest: newFigures() };
    groups.set(name, group);
    grow(group.rest, cell);
    const hardwareUsdPerMs = sums.ms === 0 ? 0 : hardwareUsd / sums.ms;
    return { id: kind.id, group: group.number, outcome: kind.outcome, hardwareUsdPerMs };
  });
  const numbered = [...groups.values()];
  const rows: [string[], Growing][] = [];
  for (const { session, group: number, ...growing } of reader.bySession(range, kinds)) {
    const group = numbered[number];
    if (group === undefined) continue;
    less(group.rest, growing);
    rows.push([keyIn(by, group, session), growing]);
  }
  // What is left has no session.
  for (const group of numbered) {
    if (group.rest.sums.attempts > 0) rows.push([keyIn(by, group, ''), group.rest]);
  }
  return sorted(
    by,
    rows.map(([parts, growing]) => rowOf(by, parts, growing, hasMachines)),
  );
}

/** Attempts that differ in nothing that is asked for but their session. */
interface Group {
  number: number;
  /** Of the key; empty where the session stands. */
  parts: string[];
  /** Of those, what is not in a row yet. */
  rest: Growing;
}

function keyIn(by: readonly Dimension[], { parts }: Group, session: string): string[] {
  return by.map((dimension, index) => (dimension === 'session' ? session : (parts[index] ?? '')));
}

function less(from: Growing, some: Growing): void {
  subtract(from.sums, some.sums);
  from.ok -= some.ok;
  from.cancelled -= some.cancelled;
  // Of sums of fractions a trace may be left where nothing is.
  from.sums.ms = Math.max(0, from.sums.ms);
  from.hardwareUsd = Math.max(0, from.hardwareUsd - some.hardwareUsd);
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
  const entries = [...figures.entries()];
  return sorted(
    by,
    entries.map(([key, growing]) => rowOf(by, key.split(SEPARATOR), growing, hasMachines)),
  );
}

function rowOf(
  by: readonly Dimension[],
  parts: readonly string[],
  growing: Growing,
  hasMachines: boolean,
): ReportRow {
  return {
    key: Object.fromEntries(by.map((dimension, index) => [dimension, parts[index] ?? ''])),
    ...figuresOf(growing, hasMachines),
  };
}

/** In the order of time, then the dearest first. */
function sorted(by: readonly Dimension[], rows: ReportRow[]): ReportRow[] {
  const periods = by.filter(isPeriod);
  if (periods.length === 0) return rows.sort(dearestFirst);
  return rows.sort((a, b) => {
    for (const unit of periods) {
      const order = (a.key[unit] ?? '').localeCompare(b.key[unit] ?? '');
      if (order !== 0) return order;
    }
    return dearestFirst(a, b);
  });
}
