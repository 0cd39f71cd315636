import { AppError } from '../../core/errors.ts';

/** A day of the calendar. */
export interface CalendarDay {
  year: number;
  /** From 1. */
  month: number;
  day: number;
}

/** A time zone: what the clocks on its walls show. */
export interface Zone {
  /** Its name in the IANA database, as `Europe/Berlin`. */
  readonly name: string;
  dayAt(at: number): CalendarDay;
  /** Milliseconds that its walls are ahead of UTC. */
  offsetAt(at: number): number;
  /**
   * When a day begins, in milliseconds since the Unix epoch: its midnight, or where clocks skip that
   * the first moment after. Days beyond a month's end count on into the next.
   */
  startOf(day: CalendarDay): number;
  /** When a clock on the wall shows that time; of two such moments the first, in a gap the moment after it. */
  atWallTime(day: CalendarDay, msOfDay: number): number;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;

/** @throws AppError `usage.timezone` for a name that nobody knows */
export function openZone(name: string): Zone {
  const parts = formatterOf(name);

  /** What the wall shows at a moment, as milliseconds of a day-count that knows no zones. */
  function wallAt(at: number): number {
    const shown: Record<string, number> = {};
    for (const { type, value } of parts.formatToParts(at)) shown[type] = Number(value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = shown;
    return Date.UTC(year, month - 1, day, hour, minute, second) + (((at % 1000) + 1000) % 1000);
  }

  function atWall(wall: number): number {
    // A zone changes its offset at most once in two days.
    const offsets = [wall - DAY_MS, wall + DAY_MS].map((around) => wallAt(around) - around);
    const early = wall - Math.max(...offsets);
    const late = wall - Math.min(...offsets);
    if (wallAt(early) === wall) return early;
    if (wallAt(late) === wall) return late;
    // The wall never shows it: the first moment at which it shows more.
    let [before, after] = [early, late];
    while (after - before > 1) {
      const middle = Math.floor((before + after) / 2);
      if (wallAt(middle) < wall) before = middle;
      else after = middle;
    }
    return after;
  }

  return {
    name,
    offsetAt: (at) => wallAt(at) - at,
    dayAt(at) {
      const wall = new Date(wallAt(at));
      return { year: wall.getUTCFullYear(), month: wall.getUTCMonth() + 1, day: wall.getUTCDate() };
    },
    startOf: (day) => atWall(wallOf(day)),
    atWallTime: (day, msOfDay) => atWall(wallOf(day) + msOfDay),
  };
}

function wallOf({ year, month, day }: CalendarDay): number {
  return Date.UTC(year, month - 1, day);
}

function formatterOf(name: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      calendar: 'gregory',
      numberingSystem: 'latn',
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch (error) {
    throw new AppError('usage.timezone', `There is no time zone called ${name}.`, {
      hint: 'Zones have names as Europe/Berlin, America/New_York or UTC.',
      cause: error,
    });
  }
}

/** A time as a wall shows it with the zone's offset, as `2026-11-24T09:30:00+01:00`. */
export function withOffset(at: number, zone: Zone): string {
  const offset = zone.offsetAt(at);
  const shown = new Date(at + offset).toISOString().slice(0, 19);
  if (offset === 0) return `${shown}Z`;
  const minutes = Math.abs(Math.round(offset / MINUTE_MS));
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${shown}${offset < 0 ? '-' : '+'}${two(Math.floor(minutes / 60))}:${two(minutes % 60)}`;
}
