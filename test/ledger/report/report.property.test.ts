import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { classesOf } from '../../../src/config/prices/price-book.ts';
import type { Usage } from '../../../src/core/request.ts';
import { PURPOSES, type LoneAttempt } from '../../../src/ledger/ledger.ts';
import { focusCharges } from '../../../src/ledger/report/focus.ts';
import { costReport } from '../../../src/ledger/report/report.ts';
import {
  costReportSchema,
  type CostReport,
  type Dimension,
  type Figures,
} from '../../../src/ledger/report/result.ts';
import { openZone } from '../../../src/ledger/report/zone.ts';
import { createLedger } from '../../../src/ledger/sqlite-ledger.ts';
import { openDatabase, type Database } from '../../../src/storage/database.ts';
import { charges } from './sample.ts';

const SINCE = Date.UTC(2026, 9, 20);
const UNTIL = Date.UTC(2026, 10, 2);
const NOW = Date.UTC(2026, 10, 3);
const ZONES = ['UTC', 'Europe/Berlin', 'Asia/Kathmandu', 'America/New_York'];

const tokens = fc.option(fc.nat(300_000), { nil: undefined });
const usage = fc.record(
  {
    inputTokens: tokens,
    outputTokens: tokens,
    cachedInputTokens: tokens,
    cacheWriteTokens: tokens,
    cacheWriteHourTokens: tokens,
    reasoningTokens: tokens,
  },
  { requiredKeys: [] },
);
const attempt = fc.record({
  at: fc.integer({ min: SINCE - 86_400_000, max: UNTIL + 86_400_000 }),
  purpose: fc.constantFrom(...PURPOSES),
  target: fc.constantFrom(
    'ollama:a',
    'ollama:b:7b',
    'anthropic:claude-sonnet-4-5',
    'anthropic:claude-haiku-4-5',
    'anthropic:unknown',
    'elsewhere:m',
  ),
  outcome: fc.constantFrom('ok', 'ok', 'overloaded', 'cancelled', 'truncated-stream'),
  batch: fc.boolean(),
  usage,
  totalMs: fc.nat(60_000),
  agent: fc.constantFrom('', 'qe-a', 'qe-b'),
  session: fc.constantFrom(undefined, 's-1', 's-2'),
  category: fc.constantFrom(undefined, 'code-review', 'other'),
});
type Drawn = typeof attempt extends fc.Arbitrary<infer T> ? T : never;

const by = fc.constantFrom<Dimension[]>(
  [],
  ['day'],
  ['week', 'model'],
  ['month', 'tier'],
  ['provider', 'agent'],
  ['category'],
  ['session'],
  ['session', 'model'],
);

let folder: string;
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-report-'));
  database = openDatabase(folder);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** As the ledger is told of it. */
function told(drawn: Drawn, index: number): LoneAttempt {
  const { usage: used, agent, session, category, ...rest } = drawn;
  const known = Object.fromEntries(
    Object.entries(used).filter(([, count]) => count !== undefined),
  ) as Usage;
  const about = {
    ...rest,
    tier: rest.target.startsWith('ollama') ? 'direct' : 'cloud',
    ...(Object.keys(known).length === 0 ? {} : { usage: known }),
  };
  return {
    id: `a-${index}`,
    ...about,
    ...charges.of(about),
    ...(agent === '' ? {} : { agent }),
    ...(session === undefined ? {} : { session }),
    ...(category === undefined ? {} : { category }),
  };
}

/** The same figures, added up one by one from what was told, in whole billionths of a dollar. */
function recount(attempts: readonly LoneAttempt[]): Figures {
  const sum = (of: (one: LoneAttempt) => number): number =>
    attempts.reduce((total, one) => total + of(one), 0);
  const classes = (one: LoneAttempt) => classesOf(one.usage ?? {});
  const ok = sum(({ outcome }) => Number(outcome === 'ok'));
  const cancelled = sum(({ outcome }) => Number(outcome === 'cancelled'));
  return {
    attempts: attempts.length,
    ok,
    cancelled,
    failed: attempts.length - ok - cancelled,
    unpriced: sum(({ usd }) => Number(usd === undefined)),
    inputTokens: sum((one) => (one.usage?.inputTokens === undefined ? 0 : classes(one).input)),
    cacheReadTokens: sum((one) => classes(one).cacheRead),
    cacheWriteTokens: sum((one) => classes(one).cacheWrite),
    cacheWriteHourTokens: sum((one) => classes(one).cacheWriteHour),
    outputTokens: sum((one) => one.usage?.outputTokens ?? 0),
    reasoningTokens: sum((one) => classes(one).reasoning),
    usd: sum(({ usd = 0 }) => Math.round(usd * 1e9)) / 1e9,
    hardwareUsd: null,
    busySeconds: sum(({ totalMs }) => totalMs) / 1000,
  };
}

const COUNTED = [
  'attempts',
  'ok',
  'failed',
  'cancelled',
  'unpriced',
  'inputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'cacheWriteHourTokens',
  'outputTokens',
  'reasoningTokens',
] as const;

/** Counts exactly; money and time to what a sum of doubles may be off by. */
function expectSame(figures: Figures, expected: Figures): void {
  for (const field of COUNTED) expect([field, figures[field]]).toEqual([field, expected[field]]);
  expect(Math.round(figures.usd * 1e9)).toBe(Math.round(expected.usd * 1e9));
  expect(figures.busySeconds).toBeCloseTo(expected.busySeconds, 6);
}

/** What the attempt's row is called, reckoned without the report's own code. */
function keyOf(one: LoneAttempt, dimensions: readonly Dimension[], zone: string): string {
  const day = new Intl.DateTimeFormat('en-CA', { timeZone: zone, dateStyle: 'short' }).format(
    one.at,
  );
  return dimensions
    .map((dimension) => {
      switch (dimension) {
        case 'day':
          return day;
        case 'month':
          return day.slice(0, 7);
        case 'week': {
          const date = new Date(`${day}T00:00Z`);
          date.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
          const first = Date.UTC(date.getUTCFullYear(), 0, 1);
          const week = Math.ceil(((date.getTime() - first) / 86_400_000 + 1) / 7);
          return `${date.getUTCFullYear()}-W${String(week).padStart(2, '0')}`;
        }
        case 'provider':
          return one.target.split(':')[0] ?? '';
        case 'model':
          return one.target;
        case 'tier':
          return one.tier;
        case 'agent':
          return one.agent ?? '';
        case 'category':
          return one.category ?? '';
        case 'session':
          return one.session ?? '';
      }
      return '';
    })
    .join('|');
}

function reportOf(dimensions: Dimension[], zone: string): CostReport {
  return costReport({
    database,
    charges,
    zone: openZone(zone),
    now: NOW,
    since: SINCE,
    until: UNTIL,
    by: dimensions,
    reference: 'anthropic:claude-sonnet-5-5',
    machines: [],
    targets: [],
    withAdvice: false,
  });
}

describe('a report', () => {
  it('adds up to what a recount of the attempts gives, whatever they are and however it is broken down', () => {
    fc.assert(
      fc.property(
        fc.array(attempt, { maxLength: 60 }),
        by,
        fc.constantFrom(...ZONES),
        (drawn, dimensions, zone) => {
          database.exec('DELETE FROM attempts; DELETE FROM attempt_kinds');
          const ledger = createLedger(database);
          const attempts = drawn.map(told);
          // Told twice is counted once.
          for (const one of [...attempts, ...attempts]) ledger.alone(one);
          const inRange = attempts.filter(({ at }) => at >= SINCE && at < UNTIL);
          const report = reportOf(dimensions, zone);
          expect(costReportSchema.safeParse(report).error).toBeUndefined();
          expectSame(report.total, recount(inRange));

          const groups = groupBy(inRange, dimensions, zone);
          if (dimensions.length > 0) {
            expect(report.rows.length).toBe(groups.size);
          }
          for (const row of report.rows) {
            const key = dimensions.map((dimension) => row.key[dimension] ?? '').join('|');
            expectSame(row, recount(groups.get(key) ?? []));
          }
          for (const parts of [report.split.model, report.split.tier, report.split.purpose]) {
            const attemptsOfAll = parts.reduce((sum, part) => sum + part.attempts, 0);
            expect(attemptsOfAll).toBe(inRange.length);
          }
          const points = report.trend.points.reduce((sum, point) => sum + point.usd, 0);
          expect(points).toBeCloseTo(report.total.usd, 9);
        },
      ),
      { numRuns: 120 },
    );
  });

  it('has in FOCUS what it has in its total, to the billionth, and nothing unpriced', () => {
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 40 }), (drawn) => {
        database.exec('DELETE FROM attempts; DELETE FROM attempt_kinds');
        const ledger = createLedger(database);
        for (const one of drawn.map(told)) ledger.alone(one);
        const report = reportOf([], 'UTC');
        const focus = focusCharges({
          database,
          charges,
          range: { since: SINCE, until: UNTIL },
          zone: openZone('UTC'),
          machines: [],
        });
        const billed = focus.charges.reduce((sum, charge) => sum + charge.billedUsd, 0);
        expect(billed).toBeCloseTo(report.total.usd, 9);
        expect(focus.unpriced).toBe(report.total.unpriced);
        for (const charge of focus.charges) {
          expect(charge.billedUsd).toBeCloseTo((charge.tokens / 1e6) * charge.unitUsd, 6);
        }
      }),
      { numRuns: 60 },
    );
  });
});

function groupBy(
  attempts: readonly LoneAttempt[],
  dimensions: readonly Dimension[],
  zone: string,
): Map<string, LoneAttempt[]> {
  const groups = new Map<string, LoneAttempt[]>();
  for (const one of attempts) {
    const key = keyOf(one, dimensions, zone);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return groups;
}
