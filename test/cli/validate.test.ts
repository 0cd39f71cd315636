import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCli, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';
import { buildTinySuite } from './tiny-suite.ts';

const folders = new TemporaryFolders();
let suite: string;
let home: string;

beforeAll(async () => {
  suite = await buildTinySuite(await folders.make(), { tasks: ['clamp', 'stack'] });
  home = await folders.make();
});
afterAll(() => folders.remove());

const count = z.int().min(0);
const number = z.number().nullable();
/** The contract of `--json`: docs/validate.md. */
const reportSchema = z.strictObject({
  schema: z.literal('aqe-llm/validation@1'),
  run: z.strictObject({
    id: z.string(),
    startedAt: z.string(),
    finishedAt: z.string(),
    plan: z.record(z.string(), z.unknown()),
  }),
  bases: count,
  unvaried: z.array(z.string()),
  tasks: z.strictObject({
    total: count,
    answered: count,
    local: count,
    cloud: count,
    duplicates: count,
  }),
  errors: z.array(z.strictObject({ code: z.string(), count })),
  latency: z.strictObject({ p50Ms: number, p95Ms: number, timed: count }),
  cost: z.strictObject({ usd: z.number(), unpriced: count, monthlyUsd: number }),
  quality: z.strictObject({
    graded: count,
    candidate: number,
    gold: number,
    ratio: number,
    lower: number,
    changed: count,
  }),
  criteria: z.array(
    z.strictObject({
      name: z.enum(['local', 'cloud', 'quality', 'p50Ms', 'p95Ms', 'monthlyUsd', 'uptime']),
      state: z.enum(['met', 'missed', 'unknown']),
      value: number,
      limit: z.number(),
      why: z.string().optional(),
    }),
  ),
  verdict: z.enum(['independent', 'not-independent', 'inconclusive']),
});

const validate = (...more: string[]): Promise<CliResult> =>
  runCli(['baseline', 'validate', '--suite', suite, ...more], { cwd: home });

describe('baseline validate', () => {
  it('sends written answers through the router and runs a sample of them', async () => {
    const { exitCode, stdout } = await validate(
      '--tasks',
      '60',
      '--grade',
      '2',
      '--candidate',
      'replay:gold',
      '--json',
    );
    const report = reportSchema.parse(JSON.parse(stdout));
    expect(report).toMatchObject({
      bases: 1,
      unvaried: ['stack'],
      tasks: { total: 60, answered: 60, local: 60, cloud: 0, duplicates: 0 },
      latency: { p50Ms: null, p95Ms: null, timed: 0 },
      quality: { graded: 2, candidate: 10, gold: 10, changed: 2 },
      verdict: 'inconclusive',
    });
    // A replay has no latency, and one task of the suite no interval.
    expect(exitCode).toBe(4);
  });

  it('leaves the ledger as it was', async () => {
    const { stdout } = await runCli(['route', 'history', '--json'], { cwd: home });
    expect(stdout).not.toContain('replay:gold');
  });

  it('finds empty answers worth nothing', async () => {
    const { exitCode, stdout } = await validate(
      '--tasks',
      '4',
      '--grade',
      '4',
      '--candidate',
      'replay:empty',
      '--json',
    );
    const { quality } = reportSchema.parse(JSON.parse(stdout));
    expect(quality).toMatchObject({ graded: 4, candidate: 0, gold: 10 });
    expect(exitCode).toBe(4);
  });

  it('misses criteria where nobody answers', async () => {
    const config = path.join(home, 'nobody.json');
    const tiers = { direct: 'openai-compatible-x:m' };
    const servers = {
      'openai-compatible-x': { kind: 'openai-compatible', url: 'http://127.0.0.1:1' },
    };
    await writeFile(config, JSON.stringify({ tiers, servers }));
    const markdown = path.join(home, 'summary.md');
    const { exitCode, stdout } = await validate(
      '--tasks',
      '3',
      '--grade',
      '0',
      '--config',
      config,
      '--markdown',
      markdown,
    );
    expect(exitCode).toBe(1);
    expect(stdout).toContain('NOT INDEPENDENT');
    expect(stdout).toMatch(/requests answered at all +0\.0 % +≥ 99\.9 % +missed/);
    expect(stdout).toContain('Not answered: ');
    expect(await readFile(markdown, 'utf8')).toContain('### aqe-llm validation: NOT INDEPENDENT');
  });

  it.each([
    { flags: ['--candidate', 'replay:nobody'], says: 'has no answers to generated tasks' },
    { flags: ['--tasks', '0'], says: 'expected a whole number from 1 on' },
  ])('refuses $flags', async ({ flags, says }) => {
    const { exitCode, stderr } = await validate(...flags);
    expect({ exitCode, stderr }).toEqual({ exitCode: 2, stderr: expect.stringContaining(says) });
  });

  it('goes on with no run that is not there', async () => {
    const resumed = await runCli(['baseline', 'validate', '--resume', 'nothing'], { cwd: home });
    expect(resumed.exitCode).toBe(2);
    expect(resumed.stderr).toContain('There is no validation nothing');
  });
});
