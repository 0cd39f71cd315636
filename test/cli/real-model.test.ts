import Sqlite from 'better-sqlite3';
import { copyFile, readFile, truncate } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { engineOf, enginesOf, isAlive, until } from '../providers/embedded/processes.ts';
import { testModelPath } from '../providers/embedded/test-model.ts';
import { processesMentioning } from '../quality/sandbox/machine.ts';
import { readReport } from './report-schema.ts';
import { runCli, spawnCli, type Spawned } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';
import { buildTinySuite } from './tiny-suite.ts';

const folders = new TemporaryFolders();
const running: Spawned[] = [];
let suite: string;
let cwd: string;

beforeAll(async () => {
  suite = await buildTinySuite(await folders.make());
  cwd = await folders.make();
});
afterAll(async () => {
  for (const { child } of running) child.kill('SIGKILL');
  await folders.remove();
});

const SMALL = ['--max-tokens', '120', '--threads', '1'];
const candidate = (): string[] => ['--candidate', `embedded:${testModelPath()}`, ...SMALL];

function start(args: readonly string[], state: string, env: Record<string, string> = {}): Spawned {
  const program = spawnCli(['baseline', ...args, '--state', state], { cwd, env });
  running.push(program);
  return program;
}

const begin = (state: string, env?: Record<string, string>): Spawned =>
  start(['--suite', suite, ...candidate()], state, env);
const resume = (state: string, ...more: string[]): Spawned =>
  start(['--resume', ...more, '--threads', '1'], state);

async function shown({ stderr, child }: Spawned, pattern: RegExp): Promise<void> {
  await until(`${pattern} is shown`, () => pattern.test(stderr()) || child.exitCode !== null);
  if (!pattern.test(stderr())) throw new Error(`Never shown: ${pattern}\n${stderr()}`);
}

/** Everything that a state folder has stored of its runs. */
function rowsOf(state: string): { answers: unknown[]; results: unknown[] } {
  const database = new Sqlite(path.join(state, 'state.sqlite'), { readonly: true });
  try {
    const all = (table: string): unknown[] =>
      database.prepare(`SELECT rowid, * FROM ${table} ORDER BY rowid`).all();
    return { answers: all('baseline_answers'), results: all('baseline_results') };
  } finally {
    database.close();
  }
}

function countsOf(state: string): { answers: number; results: number; keys: number } {
  const { answers, results } = rowsOf(state);
  const keys = results.map((row) => JSON.stringify(Object.values(Object(row)).slice(1, 5)));
  return { answers: answers.length, results: results.length, keys: new Set(keys).size };
}

describe('a real model', () => {
  it('is timed, and its answers can be replayed untimed', async () => {
    const state = path.join(cwd, 'whole');
    const args = ['--suite', suite, '--json', '--state', state];
    const live = await runCli(['baseline', ...args, ...candidate()], { cwd });
    const report = readReport(live.stdout);
    expect(report.verdict.state).toBe('fail');
    expect(live.exitCode).toBe(1);
    expect(report.candidate.latencyMs).toMatchObject({ measured: 3, cached: 0 });
    expect(report.candidate.latencyMs.p50).toBeGreaterThan(0);
    expect(report.candidate.ttftMs.p99).toBeGreaterThan(0);
    expect(report.candidate.tokensPerSecond).toBeGreaterThan(0);
    for (const task of report.candidate.tasks) {
      expect(task).toMatchObject({ state: 'graded', replayed: false });
    }

    const { id } = report.candidate;
    const replay = ['--candidate', `replay:${id}`, ...SMALL];
    const again = readReport((await runCli(['baseline', ...args, ...replay], { cwd })).stdout);
    expect(again.candidate.latencyMs).toEqual({
      p50: null,
      p95: null,
      p99: null,
      measured: 0,
      cached: 3,
    });
    expect(again.candidate.tokensPerSecond).toBeNull();
    const scores = (tasks: typeof report.candidate.tasks): unknown[] =>
      tasks.map((task) => (task.state === 'graded' ? [task.score, task.evidence] : task.error));
    expect(scores(again.candidate.tasks)).toEqual(scores(report.candidate.tasks));
  });

  it('that is cut off, missing or no model is the user’s to mend', async () => {
    const cut = path.join(cwd, 'cut.gguf');
    await copyFile(testModelPath(), cut);
    await truncate(cut, 50_000_000);
    for (const [file, says] of [
      [cut, 'damaged, cut off'],
      [path.join(cwd, 'absent.gguf'), 'There is no model file'],
      [path.join(suite, 'suite.json'), 'suite.json'],
    ] as const) {
      const args = ['baseline', '--suite', suite, '--candidate', `embedded:${file}`, '--json'];
      const { exitCode, stdout, stderr } = await runCli([...args, '--state', 'bad'], { cwd });
      expect({ exitCode, says: stderr.includes(says) }).toEqual({ exitCode: 2, says: true });
      expect(JSON.parse(stdout)).toHaveProperty('error.hint');
      expect(stderr).not.toMatch(/^\s+at /m);
    }
  });
});

describe('kill -9 in the middle of a run', () => {
  it('loses nothing that was stored, leaves no process, and --resume completes the run', async () => {
    const state = path.join(cwd, 'killed');
    // Folders of running answers lie in a place of their own, so that left-over processes show.
    const tmp = await folders.make();
    const program = begin(state, { TMPDIR: tmp });
    await shown(program, /^\[1\//m);
    const engines = enginesOf(program.child.pid ?? 0);
    program.child.kill('SIGKILL');
    expect(await program.ended).toBe('SIGKILL');
    const before = rowsOf(state);
    expect(before.results.length).toBeGreaterThan(0);
    expect(before.results.length).toBeLessThan(6);
    await until('the engines have gone', () => !engines.some(isAlive));
    while ((await processesMentioning(tmp)).length > 0) await sleep(50);

    const first = resume(state, '--json');
    // Waits until the dead process's lock is stale, then works; a third process finds it at work.
    await shown(first, /going on, \d of 6/);
    const second = resume(state, '--json');
    expect(await second.ended).toBe(5);
    expect(JSON.parse(second.stdout())).toMatchObject({ error: { code: 'baseline.locked' } });
    expect(await first.ended).toBe(1);

    const report = readReport(first.stdout());
    expect(report.candidate.tasks.map(({ id, state: is }) => [id, is])).toEqual(
      ['clamp', 'initials', 'stack'].map((id) => [id, 'graded']),
    );
    expect(report.candidate.latencyMs).toMatchObject({ measured: 3, cached: 0 });
    const after = rowsOf(state);
    expect(after.answers.slice(0, before.answers.length)).toEqual(before.answers);
    expect(after.results.slice(0, before.results.length)).toEqual(before.results);
    expect(countsOf(state)).toEqual({ answers: 6, results: 6, keys: 6 });
  });
});

describe('Ctrl-C', () => {
  it('exits 130, says how to go on, and that works', async () => {
    const state = path.join(cwd, 'interrupted');
    const program = begin(state);
    await shown(program, /^\[1\//m);
    const engines = enginesOf(program.child.pid ?? 0);
    program.child.kill('SIGINT');
    // By itself, and not by the signal.
    expect(await program.ended).toBe(130);
    expect(program.stdout()).toBe('');
    const [, id = ''] = /aqe-llm baseline --resume (\S+)/.exec(program.stderr()) ?? [];
    expect(program.stderr()).toContain('error: Stopped. Everything finished so far is kept.');
    expect(engines.filter(isAlive)).toEqual([]);
    const before = rowsOf(state);

    const resumed = resume(state, id, '--json');
    expect(await resumed.ended).toBe(1);
    // Nothing was left locked.
    expect(resumed.stderr()).not.toContain('is locked');
    expect(readReport(resumed.stdout()).run.id).toBe(id);
    expect(rowsOf(state).results.slice(0, before.results.length)).toEqual(before.results);
    expect(countsOf(state)).toEqual({ answers: 6, results: 6, keys: 6 });
  });
});

describe('an engine that dies in the middle of an answer', () => {
  it('is started again, and the run completes', async () => {
    const state = path.join(cwd, 'engine');
    const program = start(['--suite', suite, ...candidate(), '--json'], state);
    const pid = program.child.pid ?? 0;
    // The three of the reference come first; then the model has answered once, and goes on.
    await shown(program, /^\[4\//m);
    const engine = engineOf(pid);
    process.kill(engine, 'SIGKILL');
    expect(await program.ended).toBe(1);
    const report = readReport(program.stdout());
    expect(report.candidate.tasks.map((task) => task.state)).toEqual([
      'graded',
      'graded',
      'graded',
    ]);
    expect(report.candidate.latencyMs.measured).toBe(3);
    const page = path.join(state, 'runs', report.run.id, 'report.html');
    expect(await readFile(page, 'utf8')).toContain('</html>');
  });
});
