import type { CalendarDay, Zone } from './zone.ts';

/** From when to when, in milliseconds since the Unix epoch; the end is not part of it. */
export interface Range {
  since: number;
  until: number;
}

export const PERIOD_UNITS = ['day', 'week', 'month'] as const;
export type PeriodUnit = (typeof PERIOD_UNITS)[number];

/** A day, week or month, cut where the range ends. */
export interface Period extends Range {
  /** `2026-11-24`, `2026-W48` or `2026-11`. */
  key: string;
  /** From when to when it lasts itself. */
  whole: Range;
}

/** The periods that a range touches, in order. Weeks begin on Monday, as in ISO 8601. */
export function periodsOf(unit: PeriodUnit, { since, until }: Range, zone: Zone): Period[] {
  const periods: Period[] = [];
  if (since >= until) return periods;
  let begin = beginOf(unit, zone.dayAt(since));
  let from = zone.startOf(begin);
  while (from < until) {
    const next = after(unit, begin);
    const to = zone.startOf(next);
    periods.push({
      key: keyOf(unit, begin),
      since: Math.max(from, since),
      until: Math.min(to, until),
      whole: { since: from, until: to },
    });
    begin = next;
    from = to;
  }
  return periods;
}

/** The whole period that a moment is in. */
export function periodAt(unit: PeriodUnit, at: number, zone: Zone): Range & { key: string } {
  const begin = beginOf(unit, zone.dayAt(at));
  const since = zone.startOf(begin);
  return { key: keyOf(unit, begin), since, until: zone.startOf(after(unit, begin)) };
}

/** `2026-11-24`. */
export function dayKey({ year, month, day }: CalendarDay): string {
  return new Date(Date.UTC(year, month - 1, day)).toISOString().slice(0, 10);
}

/** The day so many days later; months and years are gone over. */
export function daysLater({ year, month, day }: CalendarDay, days: number): CalendarDay {
  const moved = new Date(Date.UTC(year, month - 1, day + days));
  return {
    year: moved.getUTCFullYear(),
    month: moved.getUTCMonth() + 1,
    day: moved.getUTCDate(),
  };
}

function beginOf(unit: PeriodUnit, day: CalendarDay): CalendarDay {
  if (unit === 'day') return day;
  if (unit === 'month') return { ...day, day: 1 };
  return daysLater(day, -daysSinceMonday(day));
}

function after(unit: PeriodUnit, begin: CalendarDay): CalendarDay {
  if (unit === 'month') return daysLater({ ...begin, month: begin.month + 1, day: 1 }, 0);
  return daysLater(begin, unit === 'day' ? 1 : 7);
}

function keyOf(unit: PeriodUnit, begin: CalendarDay): string {
  if (unit === 'day') return dayKey(begin);
  return unit === 'month' ? dayKey(begin).slice(0, 7) : weekKey(begin);
}

function daysSinceMonday({ year, month, day }: CalendarDay): number {
  return (new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 6) % 7;
}

/** A week belongs to the year that its Thursday is in. */
function weekKey(monday: CalendarDay): string {
  const { year, month, day } = daysLater(monday, 3);
  const dayOfYear = (Date.UTC(year, month - 1, day) - Date.UTC(year, 0, 1)) / 86_400_000;
  return `${year}-W${String(Math.floor(dayOfYear / 7) + 1).padStart(2, '0')}`;
}
