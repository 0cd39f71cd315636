import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli } from './run-cli.ts';

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(path.join(tmpdir(), 'aqe-prices-'));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const run = (...args: string[]) => runCli(['cost-report', 'prices', ...args], { cwd });
const write = (name: string, content: unknown): void =>
  writeFileSync(path.join(cwd, name), JSON.stringify(content));
const price = (changes: object): object => ({
  provider: 'farm',
  models: ['m'],
  usdPerMTok: { input: 1, output: 2 },
  ...changes,
});

describe('aqe-llm cost-report prices', () => {
  it('shows what is reckoned by, and is content where nothing is missing', async () => {
    const { exitCode, stdout } = await run();
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /anthropic:claude-sonnet-4-5 +3 +0\.3 +3\.75 +6 +15 +× 0\.5 +always +2026-11/,
    );
    expect(stdout).toMatch(/above 200,000 tokens +6 +0\.6/);
    const json: unknown = JSON.parse((await run('--json')).stdout);
    expect(json).toMatchObject({ currency: 'USD', problems: [] });
  });

  it('names a model that a tier asks and nothing prices', async () => {
    write('aqe-llm.config.json', {
      servers: { farm: { kind: 'openai-compatible', url: 'https://farm.example.com' } },
      tiers: { direct: 'ollama:free', cloud: 'farm:m' },
    });
    const { exitCode, stdout } = await run();
    expect(exitCode).toBe(2);
    expect(stdout).toContain(
      'missing farm:m: tiers.cloud names it, and it has no price in USD now',
    );
    expect(stdout).not.toContain('ollama:free');
    write('prices.json', {
      version: 'ours',
      currency: 'USD',
      prices: [price({ until: '2026-01-01' })],
    });
    write('aqe-llm.config.json', {
      tiers: { cloud: 'farm:m' },
      servers: { farm: { kind: 'openai-compatible', url: 'https://farm.example.com' } },
      costs: { prices: 'prices.json' },
    });
    // It had a price once.
    expect((await run()).exitCode).toBe(2);
    write('prices.json', { version: 'ours', currency: 'USD', prices: [price({})] });
    const priced = await run();
    expect(priced.exitCode).toBe(0);
    expect(priced.stdout).toMatch(/^farm:m +1 +– +– +– +2 +– +always +ours \(yours\)$/m);
  });

  it('names all that is wrong with a file', async () => {
    write('prices.json', {
      version: 'ours',
      currency: 'USD',
      prices: [
        price({}),
        price({ from: '2026-11-01' }),
        price({ models: ['n'], from: '2026-02-01', until: '2026-01-01' }),
      ],
    });
    write('aqe-llm.config.json', { costs: { prices: 'prices.json' } });
    const { exitCode, stderr } = await run();
    expect(exitCode).toBe(2);
    expect(stderr).toContain('prices.1');
    expect(stderr).toContain('farm:m has two prices at once');
    expect(stderr).toContain('prices.2.until');
  });
});

describe('aqe-llm cost-report prices import', () => {
  const entry = {
    litellm_provider: 'farm',
    input_cost_per_token: 1e-6,
    output_cost_per_token: 2e-6,
  };

  it('writes a file that is then reckoned by', async () => {
    write('litellm.json', { 'farm/m': entry, other: { ...entry, litellm_provider: 'else' } });
    const { exitCode, stdout } = await run(
      'import',
      'litellm.json',
      '--provider',
      'farm',
      '--price-version',
      'v-7',
    );
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: '1 price of version v-7 in prices.json; 0 without prices of tokens passed over.\n',
    });
    write('aqe-llm.config.json', { costs: { prices: 'prices.json' } });
    expect((await run()).stdout).toMatch(/^farm:m +1 .* v-7 \(yours\)$/m);
  });

  it('writes nothing over a file, nor from one that is wrong', async () => {
    write('litellm.json', { 'farm/m': entry });
    write('prices.json', { mine: true });
    expect((await run('import', 'litellm.json')).exitCode).toBe(2);
    expect(readFileSync(path.join(cwd, 'prices.json'), 'utf8')).toBe('{"mine":true}');
    expect((await run('import', 'litellm.json', '--force')).exitCode).toBe(0);
    write('wrong.json', {
      'farm/m': { ...entry, currency: 'EUR' },
      'farm/n': { ...entry, output_cost_per_token: 'x' },
    });
    const { exitCode, stdout } = await run('import', 'wrong.json', 'new.json', '--json');
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: 'prices.invalid',
        problems: [{ path: 'farm/m' }, { path: 'farm/n.output_cost_per_token' }],
      },
    });
    expect(existsSync(path.join(cwd, 'new.json'))).toBe(false);
    expect((await run('import', 'nowhere.json', 'new.json')).exitCode).toBe(2);
  });
});
