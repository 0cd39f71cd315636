import { execFileSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCli, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';
import { buildTinySuite } from './tiny-suite.ts';

const folders = new TemporaryFolders();
let cwd: string;
let suite: string;

beforeAll(async () => {
  cwd = await folders.make();
  suite = await buildTinySuite(await folders.make(), { tasks: ['clamp', 'initials'] });
});
afterAll(() => folders.remove());

async function configured(text: string): Promise<string> {
  const file = path.join(await folders.make(), 'aqe-llm.config.json');
  await writeFile(file, text);
  return file;
}

const gold = (...args: string[]): Promise<CliResult> =>
  runCli(['baseline', '--suite', suite, '--candidate', 'replay:gold', ...args], { cwd });

describe('a configuration with errors', () => {
  it('is told with every dotted path', async () => {
    const file = await configured(
      JSON.stringify({
        speed: 1,
        embedded: { threads: 'two', gpu: 'maybe', modell: 'x' },
        baseline: { seed: -1, candidate: 'gold', rubric: 'strict', temperature: 3 },
      }),
    );
    const { exitCode, stdout, stderr } = await gold('--config', file);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`error: The configuration has errors: ${file}\n`);
    const paths = [...stderr.matchAll(/^ {2}([\w.]+): /gm)].map(([, name]) => String(name));
    expect(paths.toSorted((a, b) => a.localeCompare(b))).toEqual([
      'baseline.candidate',
      'baseline.rubric',
      'baseline.seed',
      'baseline.temperature',
      'embedded.gpu',
      'embedded.modell',
      'embedded.threads',
      'speed',
    ]);
    expect(stderr).toContain('hint: docs/configuration.md');

    const json = await gold('--config', file, '--json');
    expect(json.exitCode).toBe(2);
    expect(JSON.parse(json.stdout)).toMatchObject({
      error: {
        code: 'config.invalid',
        exitCode: 2,
        problems: paths.map((name) => ({ path: name })),
      },
    });
  });

  it('is told when it is no JSON, or empty', async () => {
    for (const text of ['{"embedded": {', '', 'threads: 2']) {
      const { exitCode, stderr } = await gold('--config', await configured(text));
      expect(exitCode).toBe(2);
      expect(stderr).toContain('  aqe-llm.config.json: not JSON: ');
    }
  });

  it('is told when it was named and is not there', async () => {
    const { exitCode, stderr } = await gold('--config', 'absent.json');
    expect(exitCode).toBe(2);
    expect(stderr).toContain('absent.json');
    expect(stderr).toMatch(/^hint: .*aqe-llm setup/m);
  });

  it('is told when it is the environment', async () => {
    const { exitCode, stderr } = await runCli(['setup', 'doctor'], {
      cwd,
      env: { AQE_LLM_THREADS: 'many' },
    });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('  AQE_LLM_THREADS: ');
  });
});

describe('a configuration', () => {
  it('gives suite, candidate and state, relative to itself; flags win', async () => {
    const file = await configured(
      JSON.stringify({ state: 'kept', baseline: { suite, candidate: 'replay:empty' } }),
    );
    const lose = await runCli(['baseline', '--config', file], { cwd });
    expect(lose.exitCode).toBe(1);
    expect(lose.stderr).toContain(path.join(path.dirname(file), 'kept', 'runs'));
    const win = await gold('--config', file, '--state', 'elsewhere');
    expect(win.exitCode).toBe(0);
    expect(win.stderr).toContain(path.join(cwd, 'elsewhere', 'runs'));
  });
});

describe('a state folder that cannot be used', () => {
  it('is told before anything is run', async () => {
    await writeFile(path.join(cwd, 'file'), 'not a folder');
    const { exitCode, stdout, stderr } = await gold('--state', 'file/state', '--json');
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'storage.unusable' } });
    expect(stderr).toMatch(/^hint: .*--state <folder>/m);
    expect(stderr).not.toContain('[');
  });

  it('is told when its database is none', async () => {
    const state = path.join(cwd, 'damaged');
    await mkdir(state);
    await writeFile(path.join(state, 'state.sqlite'), 'this is no database'.repeat(500));
    const { exitCode, stderr } = await gold('--state', state);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('state.sqlite cannot be used: file is not a database');
  });

  it('is told when the folders of runs cannot be made', async () => {
    const state = path.join(cwd, 'blocked');
    await mkdir(state);
    await writeFile(path.join(state, 'runs'), '');
    const { exitCode, stderr } = await gold('--state', state);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(path.join(state, 'runs'));
    expect(stderr).toMatch(/^hint: Check that the state folder can be written/m);
  });

  it('is told when the disk is full, and what was stored is kept', async (context) => {
    const disk = path.join(await folders.make(), 'disk');
    await mkdir(disk);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=400k', 'tmpfs', disk], { stdio: 'ignore' });
    } catch {
      context.skip('this user cannot mount a small disk');
    }
    try {
      const full = await gold('--state', disk);
      expect(full.exitCode).toBe(2);
      expect(full.stderr).toMatch(/^error: .*full/m);
      expect(full.stderr).toMatch(/^hint: Make room/m);
      const graded = full.stderr.match(/^\[/gm)?.length ?? 0;
      execFileSync('mount', ['-o', 'remount,size=4m', disk]);
      const resumed = await runCli(['baseline', '--resume', '--state', disk], { cwd });
      expect(resumed.exitCode).toBe(0);
      expect(resumed.stderr).toContain(`going on, ${graded} of 4 results are there`);
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });
});
