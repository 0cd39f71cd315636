import { mkdir, readdir } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { grade, told, writeProject } from '../quality/suites/init/project.ts';
import { runCli } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';

const folders = new TemporaryFolders();
let cwd: string;
const init = (...args: string[]) => runCli(['baseline', 'suite', 'init', ...args], { cwd });

beforeAll(async () => {
  cwd = await folders.make();
  const asserts = told((call, result) => `expect(${call}).toBe(${result});`, 'marks');
  await writeProject(path.join(cwd, 'app'), {
    'package.json': JSON.stringify({ name: 'marks', devDependencies: { jest: '*' } }),
    'src/marks.js': `exports.marks = function ${grade('marks')};`,
    'src/plain.js': 'exports.plain = 1;',
    'test/marks.test.js': `const { marks } = require('../src/marks');
      test('grades', () => { ${asserts} });
      test('refuses', () => { expect(() => marks(-1)).toThrow('not within 0 and 100'); expect(() => marks(101)).toThrow(); });`,
  });
});

afterAll(() => folders.remove());

describe('baseline suite init', () => {
  it('tells with --dry-run what would be tried, and writes nothing', async () => {
    const { exitCode, stdout } = await init('--from', 'app', '--dry-run', '--json');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      dryRun: true,
      project: { name: 'marks', runner: 'jest' },
      wouldTry: [{ id: 'marks', file: 'src/marks.js', decisions: 5, tests: 2 }],
      refused: [{ file: 'src/plain.js', reasons: ['decides little: 0 of at least 4 branches'] }],
    });
    expect(await readdir(cwd)).toEqual(['app']);
    const table = await init('--from', 'app/src', '--dry-run');
    expect(table.stdout).toContain('Nothing was run or written.');
  });

  it('writes a suite that check finds sound, and does not write it again', async () => {
    const made = await init('--from', 'app/src', '--out', 'suite', '--allow-unsafe-exec');
    expect(made).toMatchObject({ exitCode: 0 });
    expect(made.stdout).toMatch(/1 task in suite/);
    const checked = await runCli(['baseline', 'suite', 'check', 'suite', '--allow-unsafe-exec'], {
      cwd,
    });
    expect(checked).toMatchObject({ exitCode: 0 });
    const again = await init('--from', 'app/src', '--out', 'suite', '--json');
    expect(again.exitCode).toBe(2);
    expect(JSON.parse(again.stdout)).toMatchObject({ error: { code: 'init.exists' } });
  }, 60_000);

  it('fails where there is nothing to make a task of', async () => {
    await mkdir(path.join(cwd, 'empty'));
    const none = await init('--from', 'empty', '--dry-run');
    expect(none).toMatchObject({ exitCode: 2 });
    expect(none.stderr).toContain('There are no sources in');
    const plain = await init('--from', 'app/src/plain.js', '--out', 'other', '--allow-unsafe-exec');
    expect(plain.exitCode).toBe(1);
    expect(plain.stdout).toContain('No task could be made, and nothing was written.');
    expect(await readdir(cwd)).not.toContain('other');
  });
});
