import { AppError } from '../../core/errors.ts';
import type { Zone } from './zone.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/**
 * A time as people write it: `7d` ago, a month, a day or a time of day as the zone's walls show it,
 * or a time with an offset of its own.
 * @param option as the user gave it, for the error
 * @throws AppError `usage.time`
 */
export function timeIn(text: string, zone: Zone, now: number, option: string): number {
  const [, count, unit = ''] = /^(\d{1,6})([smhdw])$/.exec(text) ?? [];
  if (count !== undefined) return now - Number(count) * (UNIT_MS[unit] ?? 0);
  const wall =
    /^(\d{4})-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d))?)?)?$/.exec(text)?.map(Number) ?? [];
  const [, year, month = 0, day = NaN, hour = NaN, minute = NaN, second = NaN] = wall;
  if (year !== undefined) {
    const of = { year, month, day: Number.isNaN(day) ? 1 : day };
    const time = [hour, minute, second].map((part) => (Number.isNaN(part) ? 0 : part));
    const [hours = 0, minutes = 0, seconds = 0] = time;
    const isReal =
      new Date(Date.UTC(of.year, of.month - 1, of.day)).getUTCMonth() === of.month - 1 &&
      of.day > 0 &&
      hours < 24 &&
      minutes < 60 &&
      seconds < 60;
    if (isReal) return zone.atWallTime(of, ((hours * 60 + minutes) * 60 + seconds) * 1000);
  }
  const at = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isNaN(at)) return at;
  throw new AppError('usage.time', `${option} ${text} is no time.`, {
    hint: 'Write it as 2026-11, 2026-11-24, 2026-11-24T09:30, 2026-11-24T09:30:00Z, or 30d for thirty days ago.',
  });
}
