import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { charges } from '../ledger/report/sample.ts';
import { runCli } from './run-cli.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'aqe-reconcile-'));
  const database = openDatabase(path.join(cwd, '.aqe-llm'));
  const ledger = createLedger(database);
  const ask = (id: string, target: string, at: string, usage: object): void => {
    const about = {
      at: Date.parse(at),
      tier: target.startsWith('ollama') ? 'direct' : 'cloud',
      target,
      batch: false,
      outcome: 'ok',
      usage,
    };
    ledger.alone({ id, purpose: 'answer', totalMs: 1, ...about, ...charges.of(about) });
  };
  const cached = {
    inputTokens: 1000,
    outputTokens: 100,
    cachedInputTokens: 600,
    cacheWriteTokens: 300,
    cacheWriteHourTokens: 200,
  };
  ask('a', 'anthropic:claude-haiku-4-5', '2026-11-23T00:00:00Z', cached);
  ask('b', 'anthropic:claude-haiku-4-5', '2026-11-23T23:59:59Z', {
    inputTokens: 10,
    outputTokens: 20,
  });
  ask('c', 'anthropic:claude-sonnet-5-5', '2026-11-24T00:00:00Z', {
    inputTokens: 1e6,
    outputTokens: 0,
  });
  // Nobody's bill, and not of these days.
  ask('d', 'ollama:q', '2026-11-23T10:00:00Z', { inputTokens: 9, outputTokens: 9 });
  ask('e', 'anthropic:claude-sonnet-5-5', '2026-11-26T00:00:00Z', {
    inputTokens: 5,
    outputTokens: 5,
  });
  database.close();
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const run = async (csv: string, ...args: string[]) => {
  writeFileSync(path.join(cwd, 'export.csv'), csv);
  return runCli(['cost-report', 'reconcile', 'export.csv', ...args], { cwd });
};

const USAGE =
  'usage_date_utc,model_version,api_key,workspace,usage_type,context_window,usage_input_tokens_no_cache,usage_input_tokens_cache_write_5m,usage_input_tokens_cache_write_1h,usage_input_tokens_cache_read,usage_output_tokens,web_search_count\n';
const HAIKU =
  '2026-11-23,claude-haiku-4-5-20251001,fleet,Default,standard,≤ 200k,110,100,200,600,120,0\n';
const SONNET = '2026-11-24,claude-sonnet-5-5,fleet,Default,standard,≤ 200k,1000000,0,0,0,0,0\n';

describe('aqe-llm cost-report reconcile', () => {
  it('finds nothing where a usage export says what the ledger says', async () => {
    const { exitCode, stdout, stderr } = await run(USAGE + HAIKU + SONNET);
    expect(stdout).toContain('2026-11-23 to 2026-11-24 (UTC): 2 of 2 days and models are the same');
    expect(exitCode).toBe(0);
    expect(stderr).toContain('usage_input_tokens_no_cache as inputTokens');
    // The same split over two rows, as keys have it.
    const halves = HAIKU.replace('110,', '60,') + HAIKU.replace(/110,.*/, '50,0,0,0,0,0');
    expect((await run(USAGE + halves + SONNET)).exitCode).toBe(0);
  });

  it('lists what differs, and what is on one side alone', async () => {
    const other = '2026-11-24,claude-opus-5,other,Lab,standard,≤ 200k,7,0,0,0,3,0\n';
    const { exitCode, stdout } = await run(
      USAGE + HAIKU.replace(',120,', ',500,') + other,
      '--json',
    );
    expect(exitCode).toBe(1);
    const json: unknown = JSON.parse(stdout);
    expect(json).toMatchObject({
      compared: 3,
      matched: 0,
      differences: [
        {
          day: '2026-11-23',
          model: 'claude-haiku-4-5',
          what: 'outputTokens',
          ledger: 120,
          provider: 500,
        },
        {
          day: '2026-11-24',
          model: 'claude-opus-5',
          what: 'inputTokens',
          ledger: null,
          provider: 7,
        },
        {
          day: '2026-11-24',
          model: 'claude-opus-5',
          what: 'outputTokens',
          ledger: null,
          provider: 3,
        },
        {
          day: '2026-11-24',
          model: 'claude-sonnet-5-5',
          what: 'inputTokens',
          ledger: 1_000_000,
          provider: null,
        },
      ],
    });
    const mine = await run(USAGE + HAIKU + SONNET + other, '--workspace', 'Default');
    expect(mine.exitCode).toBe(0);
    expect(mine.stderr).toContain('1 rows left out');
    expect((await run(USAGE + HAIKU + other, '--key', 'other', '--json')).exitCode).toBe(1);
    expect(
      (await run(USAGE + HAIKU.replace(',120,', ',121,') + SONNET, '--tolerance', '0.01')).exitCode,
    ).toBe(0);
  });

  it('reads a cost export with the names that the console shows', async () => {
    const head =
      'usage_date_utc,model,workspace,api_key,usage_type,token_type,cost_usd,cost_type\n';
    const line = (model: string, day: string, kind: string, usd: string): string =>
      `${day},${model},Default,fleet,message,${kind},${usd},token\n`;
    const haiku = 'Claude Haiku 4.5';
    // 110 fresh at 1, 100 and 200 written at 1.25 and 2, 600 read at 0.1, 120 out at 5, per million.
    const csv =
      head +
      line(haiku, '2026-11-23', 'input_no_cache', '0.00011') +
      line(haiku, '2026-11-23', 'output', '0.0006') +
      line('Claude Sonnet 5.5', '2026-11-24', 'input_no_cache', '2.00');
    expect((await run(csv)).exitCode).toBe(0);
    const dearer = await run(csv.replace('2.00', '2.05'));
    expect(dearer.exitCode).toBe(1);
    expect(dearer.stdout).toMatch(/claude-sonnet-5-5 +cost +\$2\.00 +\$2\.05 +−\$0\.0500/);
  });

  it.each([
    ['', ['line 1', 'line 1', 'line 1']],
    ['a,b\n1,2\n', ['line 1', 'line 1', 'line 1']],
    [`${USAGE}yesterday,m,k,w,s,c,1,0,0,0,1,0\n`, ['line 2, usage_date_utc']],
    [
      `${USAGE}2026-11-23,m,k,w,s,c,many,0,0,0,1,0\n2026-13-45,m,k,w,s,c,1,0,0,0,1,0\n`,
      ['line 2, usage_input_tokens_no_cache', 'line 3, usage_date_utc'],
    ],
    ['date,model,cost,currency\n2026-11-23,m,1,USD\n2026-11-23,m,1,EUR\n', ['line 3, currency']],
    ['date,model,cost_eur\n2026-11-23,m,1\n', ['cost_eur']],
  ])('refuses %j, and names what is wrong', async (csv, paths) => {
    const { exitCode, stdout } = await run(csv, '--json');
    expect(exitCode).toBe(2);
    const error: unknown = JSON.parse(stdout);
    expect(error).toMatchObject({
      error: { code: 'reconcile.invalid', problems: paths.map((where) => ({ path: where })) },
    });
  });

  it('says where there is no file', async () => {
    const { exitCode, stderr } = await runCli(['cost-report', 'reconcile', 'nowhere.csv'], { cwd });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('nowhere.csv cannot be read');
  });
});
