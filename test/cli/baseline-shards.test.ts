import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readReport, type Report } from './report-schema.ts';
import { runCli, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';
import { buildTinySuite } from './tiny-suite.ts';

const folders = new TemporaryFolders();
const SIDES = ['--candidate', 'replay:gold', '--candidate', 'replay:empty'];
let suite: string;
/** A folder with the shards of a run of two candidates. */
let cwd: string;
let whole: Report;

beforeAll(async () => {
  suite = await buildTinySuite(await folders.make());
  cwd = await folders.make();
  whole = readReport((await baseline(...SIDES, '--json')).stdout);
  for (const shard of ['1/2', '2/2']) {
    const { stdout, exitCode } = await baseline(...SIDES, '--shard', shard, '--json', '--answers');
    expect(exitCode).toBe(0);
    await writeFile(path.join(cwd, `shard-${shard[0]}.json`), stdout);
  }
});
afterAll(() => folders.remove());

const baseline = (...args: string[]): Promise<CliResult> =>
  runCli(['baseline', '--suite', suite, ...args], { cwd });
const merge = (...args: string[]): Promise<CliResult> =>
  runCli(['baseline', 'merge', ...args], { cwd });
const SHARDS = ['shard-1.json', 'shard-2.json'];

async function edited(file: string, change: (report: Report) => unknown): Promise<string> {
  const report = readReport(await readFile(path.join(cwd, file), 'utf8'));
  const name = `edited-${file}`;
  await writeFile(path.join(cwd, name), JSON.stringify(change(report)));
  return name;
}

const errorSchema = z.object({
  error: z.object({
    code: z.string(),
    problems: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  }),
});

describe('a shard', () => {
  it('has its part of the tasks, with their answers where asked, and no verdict', async () => {
    const report = readReport(await readFile(path.join(cwd, 'shard-1.json'), 'utf8'));
    expect(report.verdict.state).toBe('partial');
    expect(report.run.shard).toEqual({
      index: 1,
      of: 2,
      taskIds: ['clamp', 'initials', 'stack'],
    });
    expect(report.candidate.tasks.map(({ id }) => id)).toEqual(['clamp', 'stack']);
    expect(report.candidate.tasks[0]).toMatchObject({
      answer: expect.stringContaining("describe('clamp'"),
    });
  });

  it('that would be empty is refused', async () => {
    const { exitCode, stderr } = await baseline('--candidate', 'replay:gold', '--shard', '4/4');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Shard 4/4 has no task.');
  });
});

describe('merged shards', () => {
  it('say what one run over all tasks says, in whatever order they come', async () => {
    const { exitCode, stdout } = await merge(...SHARDS.toReversed(), '--json');
    expect(exitCode).toBe(1);
    const merged = readReport(stdout);
    const plain = ({ candidates, reference }: Report) => ({ candidates, reference });
    expect(plain(merged)).toEqual(plain(whole));
    expect(merged.run).toMatchObject({ shard: null, suiteHash: whole.run.suiteHash });
  });

  it('are a run like any other: with a page, answers and all, and a place in the history', async () => {
    const page = path.join(cwd, 'merged.html');
    const junit = path.join(cwd, 'merged.xml');
    const { stdout } = await merge(
      ...SHARDS,
      '--suite',
      suite,
      '--html',
      page,
      '--junit',
      junit,
      '--json',
    );
    const { id } = readReport(stdout).run;
    const text = await readFile(page, 'utf8');
    expect(text).toContain('describe(&#39;clamp&#39;');
    expect(text).toContain('2 candidates against replay:gold');
    expect(await readFile(junit, 'utf8')).toContain('<failure');
    const history = await runCli(['baseline', 'history', '--json'], { cwd });
    expect(JSON.parse(history.stdout)).toMatchObject({
      runs: expect.arrayContaining([
        expect.objectContaining({ runId: id, candidate: 'replay:empty', tasks: 3 }),
      ]),
    });
  });

  it.each([
    {
      name: 'one is missing',
      files: () => Promise.resolve(['shard-1.json']),
      says: [{ path: 'shard 2/2', message: 'is missing (1 tasks)' }],
    },
    {
      name: 'one is there twice',
      files: () => Promise.resolve([...SHARDS, 'shard-2.json']),
      says: [{ path: 'shard 2/2', message: 'is there twice: shard-2.json, shard-2.json' }],
    },
    {
      name: 'one is of another suite, seed and reference',
      files: async () => [
        'shard-1.json',
        await edited('shard-2.json', (report) => ({
          ...report,
          run: { ...report.run, suiteHash: 'f'.repeat(64), seed: 7 },
          reference: { ...report.reference, id: 'replay:empty' },
        })),
      ],
      says: [
        { path: 'edited-shard-2.json', message: expect.stringMatching(/^suiteHash is "f+…?/) },
        { path: 'edited-shard-2.json', message: expect.stringMatching(/^seed is 7; in shard-1/) },
        { path: 'edited-shard-2.json', message: expect.stringMatching(/^the reference is/) },
      ],
    },
    {
      name: 'one lacks a task',
      files: async () => [
        'shard-2.json',
        await edited('shard-1.json', (report) => ({
          ...report,
          candidates: report.candidates.map((candidate) => ({
            ...candidate,
            tasks: candidate.tasks.slice(1),
          })),
        })),
      ],
      says: [
        { path: 'edited-shard-1.json', message: 'replay:gold lacks clamp' },
        { path: 'edited-shard-1.json', message: 'replay:empty lacks clamp' },
      ],
    },
  ])('are refused when $name', async ({ files, says }) => {
    const { exitCode, stdout } = await merge(...(await files()), '--json');
    expect(exitCode).toBe(2);
    const { error } = errorSchema.parse(JSON.parse(stdout));
    expect(error).toMatchObject({ code: 'baseline.no-merge', problems: says });
  });

  it('are not a whole run, no JSON, or no report', async () => {
    await writeFile(path.join(cwd, 'whole.json'), JSON.stringify(whole));
    await writeFile(path.join(cwd, 'broken.json'), '{');
    await writeFile(path.join(cwd, 'other.json'), '{"schema":"aqe-llm/baseline@1"}');
    const ofWhole = await merge('whole.json', '--json');
    expect(errorSchema.parse(JSON.parse(ofWhole.stdout)).error.problems).toEqual([
      { path: 'whole.json', message: 'is a whole run and no shard' },
    ]);
    for (const name of ['broken.json', 'other.json', 'absent.json']) {
      const { stdout, exitCode } = await merge(name, '--json');
      expect(exitCode).toBe(2);
      expect(errorSchema.parse(JSON.parse(stdout)).error.code).toBe('baseline.bad-report');
    }
  });
});

describe('compare', () => {
  const compare = (...args: string[]) => runCli(['baseline', 'compare', ...args], { cwd });

  it('tells which tasks changed, by how much, and whether that is more than chance', async () => {
    await writeFile(path.join(cwd, 'whole.json'), JSON.stringify(whole));
    const { exitCode, stdout } = await compare(
      'whole.json#replay:gold',
      'whole.json#replay:empty',
      '--json',
    );
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'aqe-llm/comparison@1',
      state: 'worse',
      overall: { compared: 3, before: 10, difference: -10, upper: -10, method: 'delta-t' },
      categories: [{ category: 'test-generation', compared: 3 }],
      changed: [{ id: 'clamp' }, { id: 'initials' }, { id: 'stack' }],
      unchanged: 0,
      onlyBefore: [],
    });
    const strict = await compare('whole.json#1', 'whole.json#2', '--fail-if-worse');
    expect(strict.exitCode).toBe(1);
    expect(strict.stdout).toContain('WORSE');
    expect((await compare('whole.json#2', 'whole.json#1', '--fail-if-worse')).exitCode).toBe(0);
  });

  it('knows stored runs by their ids, and a reference', async () => {
    const { id } = whole.run;
    const { stdout } = await compare(`${id}#reference`, `${id}#1`);
    expect(stdout).toContain('0 tasks changed, 3 did not.');
    expect(stdout).toContain('NO DIFFERENCE');
  });

  it('names tasks that only one side has', async () => {
    const part = readReport(
      (await baseline('--candidate', 'replay:gold', '--filter', 'id=cl*', '--json')).stdout,
    );
    const { stdout } = await compare(`${whole.run.id}#1`, part.run.id, '--json');
    expect(JSON.parse(stdout)).toMatchObject({
      state: 'unknown',
      onlyBefore: ['initials', 'stack'],
      overall: { compared: 1, lower: null },
    });
  });

  it('refuses what cannot be compared, or is not there', async () => {
    const { id } = whole.run;
    const other = await edited('shard-1.json', (report) => ({
      ...report,
      run: { ...report.run, suiteHash: 'f'.repeat(64) },
    }));
    for (const [before, after, code] of [
      [id, `${id}#1`, 'baseline.no-side'],
      [`${id}#7`, `${id}#1`, 'baseline.no-side'],
      ['nosuch', `${id}#1`, 'baseline.no-run'],
      [`${other}#1`, `${id}#1`, 'baseline.other-suite'],
    ] as const) {
      const { exitCode, stdout } = await compare(before, after, '--json');
      expect(exitCode).toBe(2);
      expect(errorSchema.parse(JSON.parse(stdout)).error.code).toBe(code);
    }
  });
});

describe('history', () => {
  it('lists verdicts with whole run ids, the newest first, and no shards', async () => {
    const { stdout } = await runCli(['baseline', 'history'], { cwd });
    expect(stdout).toContain(whole.run.id);
    expect(stdout).not.toContain('SHARD');
    const one = await runCli(
      ['baseline', 'history', '--candidate', 'replay:empty', '--limit', '1', '--json'],
      { cwd },
    );
    expect(JSON.parse(one.stdout)).toMatchObject({
      schema: 'aqe-llm/baseline-history@1',
      runs: [{ candidate: 'replay:empty', verdict: { state: 'fail' } }],
    });
  });

  it('is empty at first', async () => {
    const { exitCode, stdout } = await runCli(['baseline', 'history'], {
      cwd: await folders.make(),
    });
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: 'No baseline has been finished with this state folder yet.\n',
    });
  });
});

describe('what is run', () => {
  it('is what filters let through', async () => {
    const ids = async (...filters: string[]) => {
      const args = filters.flatMap((filter) => ['--filter', filter]);
      const { stdout } = await baseline('--candidate', 'replay:gold', ...args, '--json');
      return readReport(stdout).candidate.tasks.map(({ id }) => id);
    };
    expect(await ids('complexity=simple,complex')).toEqual(['clamp', 'stack']);
    expect(await ids('category=test-generation', 'id=*a*')).toEqual(['clamp', 'initials', 'stack']);
    expect(await ids('moderate')).toEqual(['initials']);
    for (const [filter, code] of [
      ['id=nothing', 'baseline.nothing-matches'],
      ['size=3', 'baseline.bad-filter'],
    ] as const) {
      const { stdout, exitCode } = await baseline('--filter', filter, '--json');
      expect(exitCode).toBe(2);
      expect(errorSchema.parse(JSON.parse(stdout)).error.code).toBe(code);
    }
  });

  it('is asked as often as told, and each is one independent unit', async () => {
    const { stdout } = await baseline('--candidate', 'replay:gold', '--repeat', '2', '--json');
    const { candidate, run } = readReport(stdout);
    expect(run.repeats).toBe(2);
    expect(candidate.tasks).toHaveLength(6);
    expect(candidate.categories[0]).toMatchObject({ tasks: 6, clusters: 3 });
  });

  it('fails by a category’s threshold alone, of the flag or of the configuration', async () => {
    const folder = await folders.make();
    const config = { baseline: { thresholds: { 'test-generation': 1.5, 'code-review': 2 } } };
    await writeFile(path.join(folder, 'aqe-llm.config.json'), JSON.stringify(config));
    const args = ['baseline', '--suite', suite, '--candidate', 'replay:gold', '--json'];
    const configured = await runCli(args, { cwd: folder });
    expect(configured.exitCode).toBe(1);
    expect(readReport(configured.stdout)).toMatchObject({
      run: { thresholds: { 'test-generation': 1.5 } },
      verdict: {
        state: 'fail',
        reasons: ['test-generation: ratio 100.0 % is below its threshold 150.0 %'],
      },
    });
    const given = await runCli([...args, '--threshold', 'test-generation=1'], { cwd: folder });
    expect(given.exitCode).toBe(0);
    const foreign = await runCli([...args, '--threshold', 'code-review=1'], { cwd: folder });
    expect(foreign.exitCode).toBe(2);
    expect(errorSchema.parse(JSON.parse(foreign.stdout)).error.code).toBe(
      'baseline.foreign-threshold',
    );
  });
});
