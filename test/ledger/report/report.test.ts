import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { usdPerHour, usdPerMTok } from '../../../src/ledger/report/hardware.ts';
import {
  COST_REPORT_SCHEMA_URL,
  costReportJsonSchema,
} from '../../../src/ledger/report/json-schema.ts';
import { costReport, type ReportOptions } from '../../../src/ledger/report/report.ts';
import type { CostReport } from '../../../src/ledger/report/result.ts';
import { timeIn } from '../../../src/ledger/report/time-spec.ts';
import { openZone } from '../../../src/ledger/report/zone.ts';
import { createLedger } from '../../../src/ledger/sqlite-ledger.ts';
import { openDatabase, type Database } from '../../../src/storage/database.ts';
import { newAttempt, newEnding, newRequest } from '../records.ts';
import { charges, MACHINE, writeSample } from './sample.ts';

const DAY = 86_400_000;
const NOW = Date.UTC(2026, 10, 24, 12);

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

const report = (changes: Partial<ReportOptions> = {}): CostReport =>
  costReport({
    database,
    charges,
    zone: openZone('UTC'),
    now: NOW,
    by: ['model'],
    reference: 'anthropic:claude-sonnet-5-5',
    machines: [],
    targets: [],
    withAdvice: true,
    ...changes,
  });

/** An answer of so many tokens, in the ledger. */
function answer(
  id: string,
  target: string,
  { at = NOW - DAY, input = 1000, output = 500, pair = '', purpose = 'answer' as const } = {},
): void {
  const about = {
    at,
    tier: target.startsWith('ollama') ? 'direct' : 'cloud',
    target,
    batch: false,
    outcome: 'ok',
    usage: { inputTokens: input, outputTokens: output },
  };
  createLedger(database).alone({
    id,
    ...about,
    purpose: pair === '' ? purpose : 'baseline',
    totalMs: 1000,
    ...charges.of(about),
    ...(pair === '' ? {} : { pair }),
  });
}

/** A request that a local model answered and Claude was shadowing. */
function shadowed(id: string, local: [number, number], claude: [number, number]): void {
  const ledger = createLedger(database);
  ledger.begin(newRequest({ id, at: NOW - DAY }));
  const one = (target: string, [inputTokens, outputTokens]: [number, number], number: number) => {
    const about = {
      at: NOW - DAY,
      tier: target.startsWith('ollama') ? 'direct' : 'cloud',
      target,
      batch: false,
      outcome: 'ok',
      usage: { inputTokens, outputTokens },
    };
    const purpose = number === 0 ? ('answer' as const) : ('shadow' as const);
    return { number, purpose, totalMs: 1000, ...about, ...charges.of(about) };
  };
  ledger.end(id, newEnding(), [
    one('ollama:q', local, 0),
    one('anthropic:claude-sonnet-5-5', claude, 1),
  ]);
}

describe('savings', () => {
  it('are unknown where no local model has answered', () => {
    answer('a', 'anthropic:claude-sonnet-5-5');
    expect(report().savings).toEqual({
      state: 'unknown',
      why: 'No local model has answered in this time.',
    });
  });

  it('say so where they rest on an assumption, and are an interval', () => {
    answer('a', 'ollama:q');
    answer('b', 'anthropic:claude-sonnet-5-5');
    // At Claude's price 1,000 and 500 tokens are 0.7 cents.
    expect(report().savings).toMatchObject({
      state: 'estimated',
      basis: 'assumed',
      pairs: 0,
      answers: 1,
      ratio: { lower: 2 / 3, estimate: 1, upper: 1.5 },
      actualUsd: 0.007,
      allClaudeUsd: {
        lower: expect.closeTo(0.007 + 0.007 * (2 / 3), 9),
        estimate: expect.closeTo(0.014, 9),
        upper: expect.closeTo(0.007 + 0.0105, 9),
      },
      savedUsd: { estimate: expect.closeTo(0.007, 9) },
      savedShare: { estimate: expect.closeTo(0.5, 9) },
    });
  });

  it('are calibrated on shadow pairs, whose cost is part of what was paid', () => {
    for (let index = 0; index < 40; index++) {
      // Claude counts a tenth more of the prompt and writes as much.
      const output = 400 + 10 * index;
      shadowed(`r-${index}`, [1000, output], [1100, output]);
    }
    const { savings, total } = report();
    if (savings.state !== 'estimated') throw new Error('no estimate');
    expect(savings).toMatchObject({ basis: 'shadow', pairs: 40, answers: 40 });
    // 0.2 cents and 0.02 more for the prompts, over 0.2 and 1 cent per 1,000 tokens of answers.
    const claude =
      40 * 1.1 * 0.002 +
      0.01 * 0.001 * Array.from({ length: 40 }, (_, i) => 400 + 10 * i).reduce((a, b) => a + b);
    expect(total.usd).toBeCloseTo(claude, 9);
    expect(savings.allClaudeUsd.estimate).toBeCloseTo(claude, 9);
    // All that would have been saved was spent on shadows.
    expect(savings.savedUsd.estimate).toBeCloseTo(0, 9);
    const { lower, estimate, upper } = savings.ratio;
    expect(lower).toBeLessThan(estimate);
    expect(upper).toBeGreaterThan(estimate);
    expect(estimate).toBeGreaterThan(1.02);
    expect(upper).toBeLessThan(1.05);
  });

  it('take pairs of baselines where there are no shadows', () => {
    answer('x', 'ollama:q');
    for (const index of [1, 2, 3]) {
      answer(`l-${index}`, 'ollama:q', { pair: `run ${index}`, output: 500 });
      answer(`c-${index}`, 'anthropic:claude-sonnet-5-5', { pair: `run ${index}`, output: 600 });
    }
    expect(report().savings).toMatchObject({
      basis: 'baseline',
      pairs: 3,
      answers: 1,
      ratio: { estimate: expect.closeTo(0.008 / 0.007, 9) },
    });
  });

  it('are unknown where nobody knows Claude’s price', () => {
    answer('a', 'ollama:q');
    expect(report({ reference: 'anthropic:claude-99' }).savings).toMatchObject({
      state: 'unknown',
      why: expect.stringContaining('anthropic:claude-99'),
    });
  });
});

describe('machines of one’s own', () => {
  it('cost what they lose in value, their power and their upkeep, an hour', () => {
    // 8,760 dollars in four years are 25 cents an hour; half a kilowatt with the room at 30 cents; 73 dollars a month.
    expect(usdPerHour(MACHINE)).toBeCloseTo(0.25 + 0.4 * 1.25 * 0.3 + 0.1, 12);
    expect(usdPerHour({ name: 'rented', usdPerHour: 2 })).toBe(2);
    expect(usdPerMTok(2, 1000, 0.5)).toBeCloseTo((2 / (1000 * 3600 * 0.5)) * 1e6, 12);
  });

  it('are counted for all their hours, shared by the time at work, and told with their use', () => {
    answer('a', 'ollama:q', { at: NOW - 10 * 3_600_000, output: 21_600 });
    answer('b', 'ollama:r', { at: NOW - 3_600_000, output: 21_600 });
    const { total, rows, machines, savings } = report({ machines: [MACHINE] });
    expect(total.hardwareUsd).toBeCloseTo(5, 9);
    expect(rows.map(({ hardwareUsd }) => hardwareUsd)).toEqual([
      expect.closeTo(2.5, 9),
      expect.closeTo(2.5, 9),
    ]);
    const [machine] = machines;
    expect(machine).toMatchObject({
      name: 'gpu-1',
      hours: 10,
      usdPerHour: 0.5,
      outputTokens: 43_200,
    });
    // 60 tokens a second could have written fifty times as much.
    expect(machine?.utilisation).toBeCloseTo(0.02, 9);
    expect(machine?.usdPerMTok).toBeCloseTo(usdPerMTok(0.5, 60, 0.02), 6);
    expect(machine?.usdPerMTokAtFullLoad).toBeCloseTo(2.3148, 4);
    // Claude at 10 dollars for a million written, and their prompts.
    expect(machine?.claudeUsdPerMTok).toBeCloseTo(10 + (2000 * 2) / 43_200, 6);
    expect(machine?.breakEvenMTokPerMonth).toBeCloseTo(365 / (machine?.claudeUsdPerMTok ?? 0), 6);
    expect(savings).toMatchObject({ actualUsd: expect.closeTo(5, 9) });
  });

  it('cost as much while they stand idle', () => {
    answer('a', 'anthropic:claude-sonnet-5-5', { at: NOW - 10 * 3_600_000 });
    const idle = report({ machines: [MACHINE], by: ['day'] });
    expect(idle.total.hardwareUsd).toBeCloseTo(5, 9);
    expect(idle.rows[0]?.hardwareUsd).toBeCloseTo(5, 9);
    expect(report({ machines: [MACHINE] }).rows[0]?.hardwareUsd).toBe(0);
  });

  it('earn an investment back, or never', () => {
    for (let hour = 1; hour <= 730; hour++) {
      answer(`a-${hour}`, 'ollama:q', { at: NOW - hour * 3_600_000, input: 0, output: 100_000 });
    }
    const month = { since: NOW - 730 * 3_600_000, machines: [MACHINE], investmentUsd: 3650 };
    // A dollar an hour at Claude's price, half of it for the machine.
    expect(report(month).roi).toMatchObject({
      savedPerMonthUsd: { estimate: expect.closeTo(365, 6) },
      breakEvenMonths: { estimate: expect.closeTo(10, 6) },
      returnAfter12Months: { estimate: expect.closeTo(0.2, 6) },
      returnAfter36Months: { estimate: expect.closeTo(2.6, 6) },
    });
    const dear = { ...month, machines: [{ name: 'rented', usdPerHour: 3 }] };
    expect(report(dear).roi).toMatchObject({
      breakEvenMonths: { soonest: null, estimate: null, latest: null },
    });
  });
});

describe('a budget', () => {
  const spend = (at: number, usd: number): void =>
    createLedger(database).alone({
      ...newAttempt({
        at,
        target: 'anthropic:m',
        tier: 'cloud',
        selfHosted: false,
        usd,
        priceVersion: 'v',
      }),
      id: `b-${at}`,
    });

  it('has a forecast from how days went, alerts, and is over when it is', () => {
    for (let day = 1; day <= 23; day++) spend(Date.UTC(2026, 10, day, 9), day % 2 === 0 ? 8 : 12);
    const of = (usd: number) => report({ limit: { usd, unit: 'month' } }).budget;
    expect(of(1000)).toMatchObject({
      period: '2026-11',
      spentUsd: 232,
      share: 0.232,
      alerts: [],
      over: false,
      since: '2026-11-01T00:00:00Z',
      until: '2026-12-01T00:00:00Z',
    });
    // Six and a half days are left at about ten dollars; the first day is whole from its first attempt on.
    const forecast = of(1000)?.forecastUsd;
    expect(forecast?.estimate).toBeCloseTo(232 + 6.5 * (220 / 22), 6);
    expect(forecast?.lower).toBeLessThan(forecast?.estimate ?? 0);
    expect(forecast?.lower).toBeGreaterThan(232);
    expect(of(400)?.alerts).toEqual(['50 %']);
    expect(of(290)?.alerts).toEqual(['50 %', '80 %', 'forecast']);
    expect(of(232)).toMatchObject({ alerts: ['50 %', '80 %', '100 %', 'forecast'], over: false });
    expect(of(231)).toMatchObject({ alerts: ['50 %', '80 %', '100 %'], over: true });
  });

  it('forecasts nothing from less than three whole days', () => {
    spend(NOW - DAY, 5);
    expect(report({ limit: { usd: 1, unit: 'week' } }).budget).toMatchObject({
      period: '2026-W48',
      forecastUsd: null,
      over: true,
    });
  });
});

describe('notes', () => {
  it('tell of what is not in the figures', () => {
    const ledger = createLedger(database, { pid: 1, startedAt: 0 });
    ledger.begin(newRequest({ id: 'gone', at: NOW - DAY }));
    createLedger(database).markInterrupted(() => false);
    ledger.begin(newRequest({ id: 'known', at: NOW - DAY }));
    ledger.end('known', newEnding({ answeredTier: 'direct', answeredTarget: 'memory:p-1' }), []);
    answer('u', 'elsewhere:m');
    answer('l', 'ollama:q');
    answer('ahead', 'ollama:q', { at: NOW + 400 * DAY });
    const { notes, total } = report();
    expect(notes.map(({ code, count }) => [code, count])).toEqual([
      ['unpriced', 1],
      ['interrupted', 1],
      ['clock', 1],
      ['from-memory', 1],
      ['no-hardware', 1],
    ]);
    expect(notes[0]?.message).toContain('elsewhere:m (1)');
    expect(notes[2]?.message).toContain('2027-12-29');
    expect(total).toMatchObject({ attempts: 2, unpriced: 1, usd: 0 });
  });
});

describe('advice', () => {
  it('names what to change with its rows, what it saves and how hard it is', () => {
    writeSample(database, { since: NOW - 20 * DAY, until: NOW - 1000, requests: 1200 });
    const refined = createLedger(database);
    for (const kept of [0, 1]) {
      refined.event({ at: NOW - DAY, kind: 'refined', detail: { rounds: 3, kept } });
    }
    const { number: _number, ...round } = newAttempt({
      at: NOW - DAY,
      purpose: 'refinement',
      target: 'anthropic:claude-sonnet-5-5',
      tier: 'cloud',
      selfHosted: false,
      usd: 0.6,
      priceVersion: 'v',
    });
    refined.alone({ ...round, id: 'refined-1' });
    const { advice } = report({ targets: ['ollama:never-used'] });
    const of = (kind: string) => advice.filter((one) => one.kind === kind);
    expect(of('over-routed')).toHaveLength(4);
    for (const { evidence, savedPerMonthUsd } of of('over-routed')) {
      expect(evidence.rows).toBeGreaterThanOrEqual(20);
      expect(evidence.examples).toHaveLength(3);
      expect(savedPerMonthUsd?.upper).toBeCloseTo(((evidence.usd ?? 0) * 730) / (20 * 24), 0);
    }
    // Five of six rounds came after the one that was kept.
    expect(of('refinement')).toMatchObject([
      {
        savedPerMonthUsd: { estimate: expect.closeTo((0.5 * 730) / 480, 1) },
        evidence: { rows: 1 },
      },
    ]);
    expect(of('idle-model').map(({ title }) => title)).toContain(
      'ollama:never-used is hardly used',
    );
    const [cacheable] = of('cacheable');
    const repeats = database
      .prepare(
        `SELECT sum(n - 1) FROM (SELECT count(*) AS n FROM requests
         WHERE id IN (SELECT request_id FROM attempts JOIN attempt_kinds k ON k.id = kind
           WHERE purpose = 'answer' AND outcome = 'ok') GROUP BY prompt_sha256)`,
      )
      .pluck()
      .get();
    expect(cacheable?.evidence.rows).toBe(repeats);
    const [batchable] = of('batchable');
    expect(batchable?.effort).toBe('low');
    expect(batchable?.savedPerMonthUsd?.estimate).toBeCloseTo(
      ((batchable?.evidence.usd ?? 0) * 0.5 * 730) / 480,
      1,
    );
    expect(advice.map(({ savedPerMonthUsd: saved }) => saved?.estimate ?? -1)).toEqual(
      advice.map(({ savedPerMonthUsd: saved }) => saved?.estimate ?? -1).toSorted((a, b) => b - a),
    );
  });

  it('is none where there is nothing to say', () => {
    expect(report().advice).toEqual([]);
    answer('a', 'anthropic:claude-sonnet-5-5');
    expect(report().advice).toEqual([]);
  });
});

describe('what makes no sense', () => {
  it.each<[Partial<ReportOptions>, string]>([
    [{ by: ['session', 'day'] }, 'usage.by'],
    [{ by: ['model', 'model'] }, 'usage.by'],
    [{ since: NOW, until: NOW - 1 }, 'usage.range'],
    [{ since: NOW + DAY }, 'usage.range'],
  ])('%j is refused', (changes, code) => {
    expect(() => report(changes)).toThrow(expect.objectContaining({ code }));
  });

  it('is told of a time that is none', () => {
    const zone = openZone('Europe/Berlin');
    const read = (text: string): string =>
      new Date(timeIn(text, zone, NOW, '--since')).toISOString();
    expect(read('2026-11')).toBe('2026-10-31T23:00:00.000Z');
    expect(read('2026-07-01')).toBe('2026-06-30T22:00:00.000Z');
    expect(read('2026-11-24T09:30')).toBe('2026-11-24T08:30:00.000Z');
    expect(read('2026-11-24T09:30:00-05:00')).toBe('2026-11-24T14:30:00.000Z');
    expect(read('36h')).toBe('2026-11-23T00:00:00.000Z');
    for (const text of ['', 'soon', '2026-13', '2026-02-30', '2026-11-24T25:00', '2026', '-3d']) {
      expect(() => read(text)).toThrow(expect.objectContaining({ code: 'usage.time' }));
    }
  });
});

it('has the JSON Schema in the package', () => {
  expect(JSON.parse(readFileSync(COST_REPORT_SCHEMA_URL, 'utf8'))).toEqual(
    JSON.parse(JSON.stringify(costReportJsonSchema())),
  );
});
