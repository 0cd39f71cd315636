import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { costReportSchema } from '../../src/ledger/report/result.ts';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { MACHINE, SERVERS, writeSample } from '../ledger/report/sample.ts';
import { newAttempt } from '../ledger/records.ts';
import { runCli } from './run-cli.ts';

const DAY = 86_400_000;
let cwd: string;

beforeAll(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'aqe-cost-'));
  writeFileSync(
    path.join(cwd, 'aqe-llm.config.json'),
    JSON.stringify({
      servers: { elsewhere: SERVERS.elsewhere },
      tiers: { direct: 'ollama:qwen2.5-coder:7b', cloud: 'anthropic:claude-sonnet-5-5' },
      costs: {
        timezone: 'UTC',
        hardware: [MACHINE],
        investmentUsd: 500,
        account: { id: 'acme-1', name: 'Acme' },
      },
    }),
  );
  const database = openDatabase(path.join(cwd, '.aqe-llm'));
  const now = Date.now();
  writeSample(database, { since: now - 10 * DAY, until: now - 60_000, requests: 900 });
  const { number: _number, ...hostile } = newAttempt({ at: now - DAY });
  createLedger(database).alone({ ...hostile, id: 'hostile', agent: '=cmd|"/c calc"!A1' });
  database.close();
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const run = (...args: string[]) => runCli(['cost-report', ...args], { cwd });
const json = async (...args: string[]) => {
  const { stdout } = await run(...args, '--json');
  return costReportSchema.parse(JSON.parse(stdout));
};
const rowsOf = (csv: string): Record<string, string>[] => {
  return z.array(z.record(z.string(), z.string())).parse(parse(csv, { columns: true }));
};

describe('aqe-llm cost-report', () => {
  it('prints a table with the cache in columns of its own, and a total', async () => {
    const { exitCode, stdout, stderr } = await run('--by', 'day', '--by', 'tier');
    expect(exitCode).toBe(0);
    expect(stderr).toBe('');
    expect(stdout).toMatch(/day +tier +attempts +input +cache read .*output.* billed/);
    expect(stdout).toMatch(/^all /m);
    expect(stdout).toMatch(/^Saved /m);
    expect(stdout).toMatch(/^gpu-1 [^]*at full\s+load/m);
    expect(stdout).toMatch(/elsewhere:m \(\d+\)/);
  });

  it('prints one JSON object of its schema, in which everything adds up', async () => {
    const report = await json('--by', 'model', '--by', 'month');
    const sum = report.rows.reduce((total, { usd }) => total + usd, 0);
    expect(sum).toBeCloseTo(report.total.usd, 9);
    expect(report.advice.length).toBeGreaterThan(0);
    expect(report.machines).toHaveLength(1);
    expect(report.roi).not.toBeNull();
  });

  it('prints CSV that adds up and that no spreadsheet runs', async () => {
    const { stdout } = await run('--by', 'agent', '--format', 'csv');
    const rows = rowsOf(stdout);
    const { total } = await json();
    expect(rows.reduce((sum, row) => sum + Number(row['usd']), 0)).toBeCloseTo(total.usd, 6);
    expect(rows.map((row) => row['agent'])).toContain(`'=cmd|"/c calc"!A1`);
    expect(stdout).not.toMatch(/^=/m);
  });

  it('exits with 3 over the budget, and with 0 within it', async () => {
    expect((await run('--budget', '0.01/month')).exitCode).toBe(3);
    const within = await run('--budget', '$100000/month');
    expect(within.exitCode).toBe(0);
    expect(within.stdout).toMatch(/^Budget .*\$100,000\.00 a month/m);
  });

  it('writes Markdown and a page, both without what others wrote being run', async () => {
    const markdown = (await run('--by', 'agent', '--format', 'markdown')).stdout;
    expect(markdown).toContain(String.raw`=cmd\|"/c calc"\!A1`);
    const { exitCode } = await run('--by', 'agent', '--format', 'html', '-o', 'cost.html');
    expect(exitCode).toBe(0);
    const page = readFileSync(path.join(cwd, 'cost.html'), 'utf8');
    expect(page).toContain('=cmd|&quot;/c calc&quot;!A1');
    expect(page).toMatch(/default-src 'none'; style-src 'sha256-/);
    expect(page).not.toMatch(/<script|https?:\/\/(?!.*schema)/);
    expect(page.match(/<svg[^>]*role="img"/g)).toHaveLength(2);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('says what to change, and in JSON too', async () => {
    const { exitCode, stdout } = await run('advice', '--since', '9d');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/effort low, \d+ attempts$/m);
    expect(stdout).toMatch(/^ {2}aqe-llm route explain <id>: r-\d{6}/m);
    const told: unknown = JSON.parse((await run('advice', '--json')).stdout);
    expect(told).toMatchObject({
      advice: expect.arrayContaining([expect.objectContaining({ kind: 'batchable' })]),
    });
    expect((await run('advice', '--since', '2030-01')).exitCode).toBe(2);
  });

  it.each([
    [['--by', 'colour'], 'usage.invalid-argument'],
    [['--by', 'session', '--by', 'day'], 'usage.by'],
    [['--since', 'soon'], 'usage.time'],
    [['--since', '2031-01'], 'usage.range'],
    [['--timezone', 'Berlin'], 'usage.timezone'],
    [['--budget', '500 EUR/month'], 'usage.budget'],
    [['--budget', '500'], 'usage.budget'],
    [['--format', 'csv'], 'usage.format'],
  ])('refuses %j', async (args, code) => {
    const { exitCode, stdout } = await run(...args, '--json');
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code } });
  });

  it('refuses prices that overlap or are in another currency, and counts nothing', async () => {
    const price = { provider: 'p', models: ['m'], usdPerMTok: { input: 1, output: 1 } };
    writeFileSync(
      path.join(cwd, 'prices.json'),
      JSON.stringify({ version: 'v', currency: 'EUR', prices: [price, price] }),
    );
    writeFileSync(
      path.join(cwd, 'bad.config.json'),
      JSON.stringify({ costs: { prices: 'prices.json' } }),
    );
    const { exitCode, stdout } = await run('--config', 'bad.config.json', '--json');
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: 'prices.invalid',
        problems: [{ path: 'currency' }, { path: 'prices.1' }],
      },
    });
  });
});

describe('a ledger whose clock jumped', () => {
  it.each([
    [400, 'dated later than now'],
    [-20_000, 'before there was anything to ask'],
  ])('by %d days is refused and named, and nothing is written', async (days, message) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'aqe-clock-'));
    const database = openDatabase(path.join(folder, '.aqe-llm'));
    const { number: _number, ...attempt } = newAttempt();
    const ledger = createLedger(database);
    ledger.alone({ ...attempt, id: 'right', at: Date.now() - 1000 });
    ledger.alone({ ...attempt, id: 'wrong', at: Date.now() + days * DAY });
    database.close();
    const report = (...args: string[]) => runCli(['cost-report', ...args], { cwd: folder });
    const { exitCode, stdout } = await report('--format', 'json', '--json', '-o', 'out.json');
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'ledger.clock', problems: [{ message: expect.stringContaining(message) }] },
    });
    expect(existsSync(path.join(folder, 'out.json'))).toBe(false);
    const despite = await report('--format', 'csv', '--ignore-clock');
    expect(despite.exitCode).toBe(0);
    expect(despite.stderr).toContain('warning: 1 attempt is dated');
    expect(rowsOf(despite.stdout)).toMatchObject([{ attempts: '1' }]);
    rmSync(folder, { recursive: true, force: true });
  });
});

/** Of FOCUS 1.4: what a column holds, and whether it may be null. */
const MANDATORY: Record<
  string,
  { type: 'decimal' | 'time' | 'text'; nullable?: true; allowed?: string[] }
> = {
  BilledCost: { type: 'decimal' },
  BillingAccountId: { type: 'text' },
  BillingAccountName: { type: 'text' },
  BillingCurrency: { type: 'text', allowed: ['USD'] },
  BillingPeriodEnd: { type: 'time' },
  BillingPeriodStart: { type: 'time' },
  ChargeCategory: { type: 'text', allowed: ['Usage', 'Purchase', 'Tax', 'Credit', 'Adjustment'] },
  ChargeClass: { type: 'text', nullable: true, allowed: ['Correction'] },
  ChargeDescription: { type: 'text' },
  ChargePeriodEnd: { type: 'time' },
  ChargePeriodStart: { type: 'time' },
  ContractedCost: { type: 'decimal' },
  EffectiveCost: { type: 'decimal' },
  HostProviderName: { type: 'text' },
  InvoiceIssuerName: { type: 'text' },
  ListCost: { type: 'decimal' },
  PricingQuantity: { type: 'decimal' },
  PricingUnit: { type: 'text', allowed: ['1000000 Tokens'] },
  ServiceCategory: { type: 'text', allowed: ['AI and Machine Learning'] },
  ServiceName: { type: 'text' },
  ServiceProviderName: { type: 'text' },
};
const CONDITIONAL: typeof MANDATORY = {
  ConsumedQuantity: { type: 'decimal' },
  ConsumedUnit: { type: 'text', allowed: ['Tokens'] },
  ContractedUnitPrice: { type: 'decimal' },
  ListUnitPrice: { type: 'decimal' },
  PricingCategory: { type: 'text', allowed: ['Standard', 'Dynamic', 'Committed', 'Other'] },
  SkuId: { type: 'text' },
  SkuMeter: { type: 'text' },
  SkuPriceId: { type: 'text' },
};
const SHAPES = {
  decimal: /^-?\d+(\.\d+)?$/,
  time: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
  text: /\S/,
};

/** Every breach of the rules of the columns. */
function breaches(rows: readonly Record<string, string>[]): string[] {
  const columns = Object.keys(rows[0] ?? {});
  const known = { ...MANDATORY, ...CONDITIONAL };
  const found = [
    ...Object.keys(MANDATORY)
      .filter((name) => !columns.includes(name))
      .map((name) => `${name} is missing`),
    ...columns
      .filter((name) => !(name in known) && !/^x_[A-Z][A-Za-z]*$/.test(name))
      .map((name) => `${name} is no column of FOCUS`),
  ];
  const firstOwn = columns.findIndex((name) => name.startsWith('x_'));
  if (columns.slice(firstOwn).some((name) => !name.startsWith('x_')))
    found.push('own columns come last');
  for (const [index, row] of rows.entries()) {
    const tell = (message: string): number => found.push(`row ${index}: ${message}`);
    for (const [name, { type, nullable, allowed }] of Object.entries(known)) {
      const value = row[name] ?? '';
      if (value === '') {
        if (nullable !== true) tell(`${name} is null`);
      } else if (!SHAPES[type].test(value) || (allowed && !allowed.includes(value))) {
        tell(`${name} is ${value}`);
      }
    }
    const number = (name: string): number => Number(row[name]);
    const time = (name: string): number => Date.parse(row[name] ?? '');
    for (const [price, cost] of [
      ['ListUnitPrice', 'ListCost'],
      ['ContractedUnitPrice', 'ContractedCost'],
    ] as const) {
      if (number(price) < 0) tell(`${price} is negative`);
      const product = number(price) * number('PricingQuantity');
      if (Math.abs(product - number(cost)) > 1e-6) tell(`${cost} is not ${product}`);
    }
    if (!(time('ChargePeriodStart') < time('ChargePeriodEnd'))) tell('the charge has no time');
    if (
      time('ChargePeriodStart') < time('BillingPeriodStart') ||
      time('ChargePeriodEnd') > time('BillingPeriodEnd')
    ) {
      tell('the charge is outside of its billing period');
    }
  }
  return found;
}

describe('FOCUS 1.4', () => {
  let rows: Record<string, string>[];
  let warned: string;
  beforeAll(async () => {
    const { stdout, stderr } = await run('--format', 'focus');
    rows = rowsOf(stdout);
    warned = stderr;
  });

  it('keeps the rules of its columns', () => {
    expect(rows.length).toBeGreaterThan(50);
    expect(breaches(rows)).toEqual([]);
  });

  it('would be seen to break them', () => {
    const [row = {}] = rows;
    const { PricingUnit: _unit, ...without } = row;
    expect(breaches([without])).toContain('PricingUnit is missing');
    expect(breaches([{ ...row, BilledCost: '$1.00' }])).toContain('row 0: BilledCost is $1.00');
    expect(breaches([{ ...row, ServiceName: '' }])).toContain('row 0: ServiceName is null');
    expect(breaches([{ ...row, ChargeClass: 'None' }])).toContain('row 0: ChargeClass is None');
    expect(breaches([{ ...row, Savings: '1' }])).toContain('Savings is no column of FOCUS');
    expect(breaches([{ ...row, ListCost: '9' }])[0]).toMatch(/ListCost is not/);
    expect(breaches([{ ...row, ChargePeriodEnd: '2026-11-24' }])[0]).toMatch(/ChargePeriodEnd/);
  });

  it('bills what the ledger says and no saving, and says what is not in it', async () => {
    const { total, savings } = await json('--timezone', 'UTC');
    const sum = (column: string): number => rows.reduce((all, row) => all + Number(row[column]), 0);
    expect(sum('BilledCost')).toBeCloseTo(total.usd, 6);
    expect(savings.state).toBe('estimated');
    // What machines cost is no bill; that they stood idle is in the table alone.
    expect(sum('EffectiveCost')).toBeGreaterThan(sum('BilledCost'));
    expect(sum('EffectiveCost')).toBeLessThanOrEqual(total.usd + (total.hardwareUsd ?? 0) + 1e-6);
    expect(rows.every((row) => row['BillingAccountId'] === 'acme-1')).toBe(true);
    expect(total.unpriced).toBeGreaterThan(0);
    expect(warned).toContain(`warning: ${total.unpriced} attempts are not in the file`);
    expect(rows.some((row) => row['x_Server'] === 'elsewhere')).toBe(false);
  });
});
