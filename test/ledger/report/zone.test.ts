import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { dayKey, periodAt, periodsOf } from '../../../src/ledger/report/periods.ts';
import { openZone, withOffset } from '../../../src/ledger/report/zone.ts';

const iso = (at: number): string => new Date(at).toISOString();
const startOf = (zone: string, year: number, month: number, day: number): string =>
  iso(openZone(zone).startOf({ year, month, day }));

describe('the start of a day', () => {
  it.each([
    ['UTC', 2026, 11, 24, '2026-11-24T00:00:00.000Z'],
    ['Europe/Berlin', 2026, 11, 24, '2026-11-23T23:00:00.000Z'],
    ['Europe/Berlin', 2026, 7, 1, '2026-06-30T22:00:00.000Z'],
    // The days on which clocks change have their offset of before.
    ['Europe/Berlin', 2026, 3, 29, '2026-03-28T23:00:00.000Z'],
    ['Europe/Berlin', 2026, 3, 30, '2026-03-29T22:00:00.000Z'],
    ['Europe/Berlin', 2026, 10, 25, '2026-10-24T22:00:00.000Z'],
    ['Europe/Berlin', 2026, 10, 26, '2026-10-25T23:00:00.000Z'],
    ['America/New_York', 2026, 11, 1, '2026-11-01T04:00:00.000Z'],
    ['America/New_York', 2026, 11, 2, '2026-11-02T05:00:00.000Z'],
    ['Asia/Kathmandu', 2026, 11, 24, '2026-11-23T18:15:00.000Z'],
    ['Australia/Lord_Howe', 2026, 4, 6, '2026-04-05T13:30:00.000Z'],
    ['Pacific/Kiritimati', 2026, 1, 1, '2025-12-31T10:00:00.000Z'],
    // Clocks went from 24:00 to 01:00: the day began at one.
    ['America/Sao_Paulo', 2018, 11, 4, '2018-11-04T03:00:00.000Z'],
    ['Asia/Beirut', 2022, 3, 27, '2022-03-26T22:00:00.000Z'],
    // A day that never was: the first moment after it.
    ['Pacific/Apia', 2011, 12, 30, '2011-12-30T10:00:00.000Z'],
  ])('in %s of %i-%i-%i', (zone, year, month, day, expected) => {
    expect(startOf(zone, year, month, day)).toBe(expected);
  });

  it('is in the zone the first moment of that day, whatever the zone and the day', () => {
    const zones = [
      'UTC',
      'Europe/Berlin',
      'America/St_Johns',
      'Asia/Tehran',
      'Africa/Cairo',
      'Pacific/Chatham',
    ].map((name) => openZone(name));
    fc.assert(
      fc.property(
        fc.constantFrom(...zones),
        fc.integer({ min: Date.UTC(2015, 0, 1), max: Date.UTC(2035, 0, 1) }),
        (zone, at) => {
          const day = zone.dayAt(at);
          const start = zone.startOf(day);
          expect(start).toBeLessThanOrEqual(at);
          expect(zone.dayAt(start)).toEqual(day);
          expect(zone.dayAt(start - 1)).not.toEqual(day);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('asks for a zone that there is', () => {
    expect(() => openZone('Berlin')).toThrow(AppError);
    expect(() => openZone('Mars/Olympus')).toThrow(/no time zone called Mars/);
  });
});

describe('withOffset', () => {
  it.each([
    ['UTC', '2026-11-24T09:30:00Z', '2026-11-24T09:30:00Z'],
    ['Europe/Berlin', '2026-11-24T08:30:00Z', '2026-11-24T09:30:00+01:00'],
    // The hour that comes twice.
    ['Europe/Berlin', '2026-10-25T00:30:00Z', '2026-10-25T02:30:00+02:00'],
    ['Europe/Berlin', '2026-10-25T01:30:00Z', '2026-10-25T02:30:00+01:00'],
    ['America/St_Johns', '2026-11-24T12:00:00Z', '2026-11-24T08:30:00-03:30'],
  ])('%s %s', (zone, at, expected) => {
    expect(withOffset(Date.parse(at), openZone(zone))).toBe(expected);
  });
});

describe('periodsOf', () => {
  const berlin = openZone('Europe/Berlin');
  const range = (since: string, until: string) => ({
    since: Date.parse(since),
    until: Date.parse(until),
  });
  const hours = (unit: 'day' | 'week' | 'month', since: string, until: string): unknown[] =>
    periodsOf(unit, range(since, until), berlin).map((period) => [
      period.key,
      (period.until - period.since) / 3_600_000,
    ]);

  it('has days of 23 and 25 hours where clocks change', () => {
    expect(hours('day', '2026-03-27T23:00Z', '2026-03-30T22:00Z')).toEqual([
      ['2026-03-28', 24],
      ['2026-03-29', 23],
      ['2026-03-30', 24],
    ]);
    expect(hours('day', '2026-10-24T22:00Z', '2026-10-25T23:00Z')).toEqual([['2026-10-25', 25]]);
  });

  it('cuts the first and the last, and knows how long they are', () => {
    const [first, ...others] = periodsOf(
      'month',
      range('2026-10-15T12:00Z', '2026-12-01T00:00Z'),
      berlin,
    );
    expect([first?.key, ...others.map(({ key }) => key)]).toEqual([
      '2026-10',
      '2026-11',
      '2026-12',
    ]);
    expect(iso(first?.since ?? 0)).toBe('2026-10-15T12:00:00.000Z');
    expect(iso(first?.whole.since ?? 0)).toBe('2026-09-30T22:00:00.000Z');
    // An hour of December in Berlin.
    expect(hours('month', '2026-11-30T12:00Z', '2026-12-01T00:00Z')).toEqual([
      ['2026-11', 11],
      ['2026-12', 1],
    ]);
  });

  it('counts weeks from Monday, in the year of their Thursday', () => {
    const keys = (since: string, until: string): string[] =>
      periodsOf('week', range(since, until), openZone('UTC')).map(({ key }) => key);
    expect(keys('2026-11-22T00:00Z', '2026-11-24T00:00Z')).toEqual(['2026-W47', '2026-W48']);
    expect(keys('2026-12-28T00:00Z', '2027-01-05T00:00Z')).toEqual(['2026-W53', '2027-W01']);
    expect(keys('2024-12-30T00:00Z', '2024-12-31T00:00Z')).toEqual(['2025-W01']);
  });

  it('is a partition of its range, whatever that is', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('day', 'week', 'month'),
        fc.constantFrom('Europe/Berlin', 'America/Sao_Paulo', 'Asia/Kolkata'),
        fc.integer({ min: Date.UTC(2017, 0, 1), max: Date.UTC(2027, 0, 1) }),
        fc.integer({ min: 1, max: 60 * 86_400_000 }),
        (unit, name, since, length) => {
          const zone = openZone(name);
          const periods = periodsOf(unit, { since, until: since + length }, zone);
          expect(periods[0]?.since).toBe(since);
          expect(periods.at(-1)?.until).toBe(since + length);
          for (const [index, period] of periods.entries()) {
            expect(period.since).toBeLessThan(period.until);
            if (index > 0) expect(periods[index - 1]?.until).toBe(period.since);
            expect(periodAt(unit, period.since, zone).key).toBe(period.key);
          }
        },
      ),
      { numRuns: 100 },
    );
  });

  it('is nothing for an empty range', () => {
    expect(periodsOf('day', { since: 5, until: 5 }, berlin)).toEqual([]);
  });
});

it('dayKey goes over months', () => {
  expect(dayKey({ year: 2026, month: 2, day: 30 })).toBe('2026-03-02');
});
