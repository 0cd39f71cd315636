import { mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readReport, scoresOf } from './report-schema.ts';
import { runCli, spawnCli, type CliOptions, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';
import { buildTinySuite, writeTinySuite } from './tiny-suite.ts';

const folders = new TemporaryFolders();
let suite: string;

beforeAll(async () => {
  suite = await buildTinySuite(await folders.make());
});
afterAll(() => folders.remove());

async function baseline(
  args: readonly string[],
  options: Partial<CliOptions> = {},
): Promise<CliResult> {
  const cwd = options.cwd ?? (await folders.make());
  return runCli(['baseline', '--suite', suite, ...args], { ...options, cwd });
}

const runIdIn = (stderr: string): string => /^Run (\S+):/m.exec(stderr)?.[1] ?? '';

describe('the verdict', () => {
  it('of the gold answers is GO, the same every time', async () => {
    const [first, second] = [
      await baseline(['--candidate', 'replay:gold', '--json']),
      await baseline(['--candidate', 'replay:gold', '--json']),
    ];
    expect(first.exitCode).toBe(0);
    const report = readReport(first.stdout);
    expect(report.verdict).toMatchObject({ state: 'pass', ratio: 1, lower: 1, strict: true });
    expect(report.run.suite).toBe('tiny');
    expect(scoresOf(report.candidate)).toEqual({ clamp: 10, initials: 10, stack: 10 });
    expect(report.candidate).toMatchObject({
      id: 'replay:gold',
      meanScore: 10,
      latencyMs: { p50: null, p95: null, p99: null, measured: 0, cached: 3 },
      ttftMs: { measured: 0, cached: 3 },
      tokensPerSecond: null,
    });
    expect(Object.keys(report.run.versions)).toEqual(Object.keys(report.run.versions).sort());
    const other = readReport(second.stdout);
    for (const side of ['candidate', 'reference'] as const) {
      expect(JSON.stringify(other[side])).toBe(JSON.stringify(report[side]));
    }
    expect(other.verdict).toEqual(report.verdict);
    expect(first.stderr).not.toContain('\u001B');
  });

  it('of empty answers is NO-GO', async () => {
    const { exitCode, stdout } = await baseline(['--candidate', 'replay:empty', '--json']);
    expect(exitCode).toBe(1);
    const report = readReport(stdout);
    expect(report.verdict.state).toBe('fail');
    for (const score of Object.values(scoresOf(report.candidate))) {
      expect(score).toBeLessThanOrEqual(0.5);
    }
  });

  it('of a reference that is worth nothing is none', async () => {
    const args = ['--candidate', 'replay:gold', '--reference', 'replay:empty'];
    const { exitCode, stdout } = await baseline([...args, '--json']);
    expect(exitCode).toBe(4);
    expect(readReport(stdout).verdict).toMatchObject({ state: 'inconclusive', strict: false });
  });

  it('of a single task is none', async () => {
    const { exitCode, stdout } = await baseline([
      '--candidate',
      'replay:gold',
      '--quick',
      '--json',
    ]);
    expect(exitCode).toBe(4);
    const report = readReport(stdout);
    expect(scoresOf(report.candidate)).toEqual({ clamp: 10 });
    expect(report.verdict.reasons).toEqual(['fewer than two independent tasks were graded']);
  });

  it('by the plan’s steps says so', async () => {
    const { stdout } = await baseline(['--candidate', 'replay:gold', '--rubric', 'plan', '--json']);
    for (const task of readReport(stdout).candidate.tasks) {
      expect(task).toMatchObject({ score: 10, evidence: { rubric: 'plan' } });
    }
  });
});

describe('what is shown', () => {
  it('is a table and a verdict, and on standard error how far it is', async () => {
    const cwd = await folders.make();
    const { exitCode, stdout, stderr } = await baseline(['--candidate', 'replay:empty'], { cwd });
    expect(exitCode).toBe(1);
    expect(stdout).toContain('NO-GO');
    expect(stdout).toMatch(/^clamp +0\.0 +10\.0 /m);
    expect(stderr).toMatch(/^Run \S+: replay:empty against replay:gold, 3 tasks\n/);
    expect(stderr.match(/^\[\d\/6\] \w+ (candidate|reference): [\d.]+ of 10$/gm)).toHaveLength(6);
    const page = path.join(cwd, '.aqe-llm', 'runs', runIdIn(stderr), 'report.html');
    expect(stderr).toContain(`Page: ${page}\n`);
    expect(await readFile(page, 'utf8')).toContain('<!doctype html>');
  });

  it('has no progress under --quiet, and no colours in a pipe', async () => {
    const { stdout, stderr } = await baseline(['--candidate', 'replay:empty', '--quiet']);
    expect(stderr).toBe('');
    expect(stdout).toContain('NO-GO');
    expect(stdout).not.toContain('\u001B');
  });

  it('has colours on a terminal, unless NO_COLOR says otherwise', async () => {
    const args = ['--candidate', 'replay:empty', '--quick', '--quiet'];
    const colored = await baseline(args, { terminal: 100 });
    const plain = await baseline(args, { terminal: 100, env: { NO_COLOR: '1' } });
    expect(colored.stdout).toContain('\u001B[');
    expect(plain.stdout).not.toContain('\u001B');
  });

  it('writes JUnit, Markdown and HTML where it is told', async () => {
    const cwd = await folders.make();
    const args = ['--junit', 'out/junit.xml', '--html', 'out/page.html', '--markdown', 'sum.md'];
    await writeFile(path.join(cwd, 'sum.md'), '# Before\n');
    const { stdout } = await baseline(['--candidate', 'replay:empty', '--json', ...args], { cwd });
    readReport(stdout);
    const junit = await readFile(path.join(cwd, 'out', 'junit.xml'), 'utf8');
    expect(junit).toMatch(/^<\?xml/);
    expect(junit).toContain('clamp');
    const summary = await readFile(path.join(cwd, 'sum.md'), 'utf8');
    expect(summary).toMatch(/^# Before\n/);
    expect(summary).toContain('NO-GO');
    expect(await readFile(path.join(cwd, 'out', 'page.html'), 'utf8')).toContain('</html>');
  });
});

describe('a report that cannot be written', () => {
  it.each(['--html', '--junit', '--markdown'])('by %s: the results are kept', async (option) => {
    const cwd = await folders.make();
    await writeFile(path.join(cwd, 'file'), '');
    const candidate = ['--candidate', 'replay:gold', '--quick'];
    const failed = await baseline([...candidate, '--json', option, 'file/report'], { cwd });
    expect(failed.exitCode).toBe(2);
    expect(JSON.parse(failed.stdout)).toMatchObject({
      error: { code: 'baseline.report-not-written', exitCode: 2 },
    });
    const id = runIdIn(failed.stderr);
    expect(failed.stderr).toContain(`then run: aqe-llm baseline --resume ${id}\n`);
    const again = await runCli(['baseline', '--resume', id, option, 'report', '--json'], { cwd });
    expect(readReport(again.stdout).run.id).toBe(id);
    expect(again.stderr).toContain(`Run ${id}: going on, 2 of 2 results are there\n`);
    expect(again.stderr).not.toContain('[');
    expect((await stat(path.join(cwd, 'report'))).size).toBeGreaterThan(0);
  });
});

describe('a run that cannot start', () => {
  it.each([
    { args: ['--candidate', 'nosuch:x'], code: 'baseline.unknown-side' },
    { args: ['--reference', 'gold'], code: 'baseline.unknown-side' },
    { args: ['--candidate', 'replay:silver'], code: 'baseline.unknown-side' },
    { args: ['--candidate', 'replay:embedded:never'], code: 'baseline.no-recordings' },
    { args: ['--candidate', 'embedded:no-such-model'], code: 'model.unknown' },
  ])('$args', async ({ args, code }) => {
    const { exitCode, stdout, stderr } = await baseline([
      '--candidate',
      'replay:gold',
      ...args,
      '--json',
    ]);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code } });
    expect(stderr).toMatch(/^hint: /m);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  it('because answers are missing: said of every side before anything is graded', async () => {
    const cwd = await folders.make();
    const sides = ['replay:gold', 'replay:absent.jsonl', 'replay:embedded:never'];
    const candidates = sides.flatMap((side) => ['--candidate', side]);
    const { exitCode, stdout, stderr } = await baseline([...candidates, '--quick', '--json'], {
      cwd,
    });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: {
        code: 'baseline.bad-sides',
        problems: [
          {
            path: `replay:${path.join(cwd, 'absent.jsonl')}`,
            message: expect.stringContaining('cannot be read'),
          },
          {
            path: 'replay:embedded:never',
            message: expect.stringContaining('no answer of embedded:never'),
          },
        ],
      },
    });
    expect(stderr).not.toContain('[1/');
    const resumed = await runCli(['baseline', '--resume'], { cwd });
    expect(resumed.stderr).toContain('There is no unfinished run.');
  });

  it('because no task is quick', async () => {
    const folder = await folders.make();
    await writeTinySuite(folder, { tasks: ['clamp'], quick: [] });
    const args = ['baseline', '--suite', folder, '--candidate', 'replay:gold', '--quick'];
    const { exitCode, stderr } = await runCli(args, { cwd: folder });
    expect(exitCode).toBe(2);
    expect(stderr).toBe(
      'error: The suite tiny marks no tasks as quick.\n' +
        'hint: Run without --quick, or list task ids under "quick" in suite.json.\n',
    );
  });

  it('because there is nothing to go on with', async () => {
    const cwd = await folders.make();
    const newest = await runCli(['baseline', '--resume'], { cwd });
    const named = await runCli(['baseline', '--resume', 'nosuch'], { cwd });
    expect([newest.exitCode, named.exitCode]).toEqual([2, 2]);
    expect(newest.stderr).toContain('There is no unfinished run.');
    expect(named.stderr).toContain('There is no run nosuch.');
  });

  it('because the suite was changed meanwhile', async () => {
    const cwd = await folders.make();
    const own = await buildTinySuite(await folders.make(), { tasks: ['clamp'] });
    const args = ['baseline', '--suite', own, '--candidate', 'replay:gold', '--html', 'file/x'];
    await writeFile(path.join(cwd, 'file'), '');
    const id = runIdIn((await runCli(args, { cwd })).stderr);
    await writeFile(path.join(own, 'test-generation', 'prompt.md'), 'Other words: {{source}}');
    const { exitCode, stderr } = await runCli(['baseline', '--resume', id], { cwd });
    expect(exitCode).toBe(2);
    expect(stderr).toContain(`error: The suite was changed since run ${id} started.\nhint: `);
  });
});

describe('without a sandbox', () => {
  it('runs nothing, unless told to', async () => {
    const cwd = await folders.make();
    await mkdir(path.join(cwd, 'nothing'));
    const env = { PATH: path.join(cwd, 'nothing') };
    const args = ['--candidate', 'replay:gold', '--json'];
    const refused = await baseline(args, { cwd, env });
    expect(refused.exitCode).toBe(2);
    expect(JSON.parse(refused.stdout)).toMatchObject({
      error: { code: 'sandbox.unavailable', exitCode: 2 },
    });
    expect(refused.stderr).toContain('  bubblewrap: ');
    expect(refused.stderr).toContain('--allow-unsafe-exec runs it without a sandbox');
    // No run was begun.
    await expect(stat(path.join(cwd, '.aqe-llm'))).rejects.toThrow('ENOENT');
    for (const command of [
      ['suite', 'check', suite],
      ['suite', 'build', suite],
    ]) {
      const { exitCode, stderr } = await runCli(['baseline', ...command], { cwd, env });
      expect(exitCode).toBe(2);
      expect(stderr).toContain('No sandbox works on this machine');
    }

    const allowed = await baseline([...args, '--allow-unsafe-exec'], { cwd, env });
    expect(allowed.exitCode).toBe(0);
    expect(readReport(allowed.stdout).run.sandbox).toBe('unsafe');
    expect(allowed.stderr).toContain('warning: answers run without a sandbox');
    const checked = ['baseline', 'suite', 'check', suite, '--allow-unsafe-exec'];
    expect((await runCli(checked, { cwd, env })).exitCode).toBe(0);
  });
});

describe('the built program', () => {
  it('exits by the verdict and prints one object', async () => {
    const cwd = await folders.make();
    const args = ['baseline', '--suite', suite, '--candidate', 'replay:empty', '--json', '--quiet'];
    const program = spawnCli(args, { cwd });
    expect(await program.ended).toBe(1);
    expect(readReport(program.stdout()).verdict.state).toBe('fail');
    expect(program.stderr()).toBe('');
    await rm(path.join(cwd, '.aqe-llm'), { recursive: true });
  });
});
