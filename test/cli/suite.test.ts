import { cp, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCli, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';
import { buildTinySuite, edit, taskFolder } from './tiny-suite.ts';

const folders = new TemporaryFolders();
let sound: string;

beforeAll(async () => {
  sound = await buildTinySuite(await folders.make(), { tasks: ['clamp'] });
});
afterAll(() => folders.remove());

const checkSchema = z.strictObject({
  suite: z.string(),
  suiteHash: z.string().regex(/^[\da-f]{64}$/),
  sound: z.boolean(),
  tasks: z.array(
    z.strictObject({
      taskId: z.string(),
      gold: z.number().optional(),
      empty: z.number().optional(),
      counts: z.record(z.string(), z.int()),
      problems: z.array(z.string()),
    }),
  ),
});

/** A copy of the sound suite, to be spoilt. */
async function copy(): Promise<{ suite: string; file: (name: string) => string }> {
  const suite = await folders.make();
  await cp(sound, suite, { recursive: true });
  return { suite, file: (name) => path.join(taskFolder(suite, 'clamp'), name) };
}

const check = (suite: string, ...more: string[]): Promise<CliResult> =>
  runCli(['baseline', 'suite', 'check', suite, ...more], { cwd: sound });
const build = (suite: string, ...more: string[]): Promise<CliResult> =>
  runCli(['baseline', 'suite', 'build', suite, ...more], { cwd: suite });

async function problemsOf(suite: string): Promise<{ exitCode: number; problems: string }> {
  const { exitCode, stdout } = await check(suite, '--json');
  const { tasks, sound: isSound } = checkSchema.parse(JSON.parse(stdout));
  expect(isSound).toBe(exitCode === 0);
  return { exitCode, problems: tasks.flatMap((task) => task.problems).join('\n') };
}

describe('suite check', () => {
  it('finds a sound suite sound', async () => {
    const { exitCode, stdout, stderr } = await check(sound);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/│ clamp │ 10\.00 │\s+0\.00 │ 12 mutants, 2 equivalent │ sound │/);
    expect(stdout).toContain('1 task, all sound.');
    expect(stdout + stderr).not.toContain('\u001B');
  });

  it('names a reference test that fails', async () => {
    const { suite, file } = await copy();
    await edit(file('reference.test.ts'), (text) => text.replace('toBe(-1)', 'toBe(-3)'));
    const { exitCode, problems } = await problemsOf(suite);
    expect(exitCode).toBe(1);
    expect(problems).toContain('reference test “clamp > raises to the least” failed: ');
    expect(problems).toContain('should die by the reference');
    const table = await check(suite);
    expect(table.exitCode).toBe(1);
    expect(table.stdout).toContain('clamp: reference test “clamp > raises to the least” failed');
    expect(table.stdout).toContain('1 task, 1 unsound.');
  });

  it('names a reference test that sometimes fails', async () => {
    const { suite, file } = await copy();
    // Thirty coins do not all fall the same way three times.
    const flaky = `it.each(Array.from({ length: 30 }, (_, i) => i))('coin %i', () => {
      expect(process.hrtime.bigint() % 2n).toBe(0n);
    });`;
    await edit(file('reference.test.ts'), (text) => text + flaky);
    const { exitCode, problems } = await problemsOf(suite);
    expect(exitCode).toBe(1);
    expect(problems).toMatch(/reference test “coin \d+” flaky: /);
  });

  it('names a reference file that does not run', async () => {
    const { suite, file } = await copy();
    await edit(file('reference.test.ts'), (text) => `import 'left-pad';\n${text}`);
    const { exitCode, problems } = await problemsOf(suite);
    expect(exitCode).toBe(1);
    expect(problems).toContain('reference.test.ts does not run: ');
    expect(problems).toContain('left-pad');
    expect(problems).toContain('the gold answer scores');
  });

  it('names a subject that was changed after it was measured, and the mutants that are gone', async () => {
    const { suite, file } = await copy();
    await edit(file('clamp.ts'), (text) => `// A new line moves everything.\n${text}`);
    const { exitCode, problems } = await problemsOf(suite);
    expect(exitCode).toBe(1);
    expect(problems).toContain('clamp.ts was changed after it was measured: run ');
    expect(problems).toMatch(/mutant \S+ \S+ .*does not exist/);
    const run = await runCli(['baseline', '--suite', suite, '--candidate', 'replay:gold'], {
      cwd: suite,
    });
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('clamp: clamp.ts was changed after it was measured.');
    expect(run.stderr).toContain(`hint: Run: aqe-llm baseline suite build ${suite}`);
  });

  it('names a frozen mutant that does not exist', async () => {
    const { suite, file } = await copy();
    await edit(file('measured.json'), (text) => text.replace(/"id": "\d+:/, '"id": "99:'));
    const { exitCode, problems } = await problemsOf(suite);
    expect(exitCode).toBe(1);
    expect(problems).toMatch(/mutant 99:\S+ .*does not exist/);
  });

  it('names what the reference covers no more', async () => {
    const { suite, file } = await copy();
    await edit(file('reference.test.ts'), (text) =>
      text.replace("it('refuses", "it.skip('refuses"),
    );
    const { exitCode, problems } = await problemsOf(suite);
    expect(exitCode).toBe(1);
    expect(problems).toMatch(
      /statements: \{"covered":(\d+),"total":5\} in measured.json, \{"covered":4,"total":5\} now/,
    );
    expect(problems).toContain('branches: ');
  });

  it('names a mutant that is no equivalent one', async () => {
    const { suite, file } = await copy();
    await edit(file('measured.json'), (text) => {
      const measured: { mutants: { id: string }[]; equivalent: string[] } = JSON.parse(text);
      const [first, ...mutants] = measured.mutants;
      return JSON.stringify({
        ...measured,
        mutants,
        equivalent: [...measured.equivalent, first?.id],
      });
    });
    const { exitCode, problems } = await problemsOf(suite);
    expect(exitCode).toBe(1);
    expect(problems).toMatch(/^mutant \S+ BlockStatement .*is said to be equivalent, but dies$/m);
  });

  it('names a subject that does not parse', async () => {
    const { suite, file } = await copy();
    await writeFile(file('clamp.ts'), 'export function (');
    const { exitCode, problems } = await problemsOf(suite);
    expect(exitCode).toBe(1);
    expect(problems).toContain('clamp.ts');
  });

  it('asks for a measurement that was never made', async () => {
    const { suite, file } = await copy();
    await rm(file('measured.json'));
    const { exitCode, problems } = await problemsOf(suite);
    expect(exitCode).toBe(1);
    expect(problems).toContain('not measured yet: run `aqe-llm baseline suite build`');
    const run = await runCli(['baseline', '--suite', suite, '--candidate', 'replay:gold'], {
      cwd: suite,
    });
    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain('Task clamp has not been measured.');
  });
});

describe('a suite with errors', () => {
  const CASES: {
    name: string;
    spoil: (suite: string, file: (name: string) => string) => Promise<void>;
    says: string[];
  }[] = [
    {
      name: 'missing files',
      spoil: async (suite, file) => {
        await rm(file('reference.test.ts'));
        await rm(file('clamp.ts'));
        await rm(path.join(suite, 'test-generation', 'prompt.md'));
      },
      says: [
        'test-generation/prompt.md: the file is missing',
        'test-generation/clamp/reference.test.ts: the file is missing',
        'test-generation/clamp/clamp.ts: the file is missing',
      ],
    },
    {
      name: 'broken JSON',
      spoil: async (suite, file) => {
        await writeFile(path.join(suite, 'suite.json'), '{"schema": ');
        await writeFile(file('task.json'), '');
        await writeFile(file('measured.json'), '[]');
      },
      says: [
        'suite.json: not JSON: ',
        'test-generation/clamp/task.json: not JSON: ',
        'test-generation/clamp/measured.json: Invalid input: expected object',
      ],
    },
    {
      name: 'unknown keys and wrong types',
      spoil: async (suite, file) => {
        await edit(path.join(suite, 'suite.json'), (text) => text.replace('"quick"', '"fast"'));
        await edit(file('task.json'), (text) =>
          text.replace('"simple"', '"easy"').replace('clamp.ts', '../clamp.ts'),
        );
      },
      says: [
        'suite.json: Unrecognized key: "fast"',
        'test-generation/clamp/task.json.complexity: Invalid option',
        'test-generation/clamp/task.json.subject: a TypeScript or JavaScript file name in the task’s own folder',
      ],
    },
    {
      name: 'names that do not fit',
      spoil: async (suite, file) => {
        await edit(path.join(suite, 'suite.json'), (text) => text.replace('"clamp"', '"clump"'));
        await edit(file('task.json'), (text) => text.replace('"id": "clamp"', '"id": "other"'));
        await writeFile(path.join(suite, 'test-generation', 'prompt.md'), 'Write tests.');
      },
      says: [
        'suite.json.quick.0: there is no task clump',
        'test-generation/clamp/task.json.id: is not its folder’s name, clamp',
        'test-generation/prompt.md: has no {{source}} placeholder',
      ],
    },
    {
      name: 'no tasks',
      spoil: (_, file) => rm(path.dirname(file('x')), { recursive: true }),
      says: ['test-generation: holds no task'],
    },
  ];

  it.each(CASES)('$name', async ({ spoil, says }) => {
    const { suite, file } = await copy();
    await spoil(suite, file);
    for (const args of [
      ['suite', 'check', suite],
      ['--suite', suite],
    ]) {
      const { exitCode, stdout, stderr } = await runCli(['baseline', ...args], { cwd: suite });
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toContain(`error: The suite in ${suite} has errors.`);
      for (const line of says) expect(stderr).toContain(`  ${line}`);
      expect(stderr).toContain('hint: docs/suites.md');
    }
  });

  it('is one that is not there, or is a file', async () => {
    const suite = await folders.make();
    await writeFile(path.join(suite, 'file'), '');
    for (const name of ['absent', 'file']) {
      const { exitCode, stderr } = await check(path.join(suite, name));
      expect(exitCode).toBe(2);
      expect(stderr).toContain('suite.json: the file is missing');
    }
  });
});

describe('suite build', () => {
  it('refuses a reference that does not hold, and leaves what was measured as it was', async () => {
    const { suite, file } = await copy();
    const before = await readFile(file('measured.json'), 'utf8');
    await edit(file('reference.test.ts'), (text) => text.replace('toBe(-1)', 'toBe(-3)'));
    const { exitCode, stdout, stderr } = await build(suite);
    expect(exitCode).toBe(1);
    expect(stdout).toBe('0 of 1 tasks measured.\n');
    expect(stderr).toContain(
      'clamp: refused\n  reference test “clamp > raises to the least” failed',
    );
    expect(await readFile(file('measured.json'), 'utf8')).toBe(before);
  });

  it('refuses a subject or a fuzz source that it cannot read', async () => {
    const { suite, file } = await copy();
    const before = await readFile(file('measured.json'), 'utf8');
    await writeFile(file('fuzz.ts'), 'export default function (');
    const first = await build(suite);
    await writeFile(file('clamp.ts'), 'export function (');
    const second = await build(suite);
    expect([first.exitCode, second.exitCode]).toEqual([1, 1]);
    expect(first.stderr).toContain('clamp: refused');
    expect(second.stderr).toContain('clamp.ts');
    expect(await readFile(file('measured.json'), 'utf8')).toBe(before);
  });

  it('measures the same twice', async () => {
    const { suite, file } = await copy();
    const before = await readFile(file('measured.json'), 'utf8');
    const { exitCode, stdout } = await build(suite, '--json', '--task', 'clamp');
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      suite: 'tiny',
      tasks: [{ taskId: 'clamp', state: 'built' }],
    });
    expect(await readFile(file('measured.json'), 'utf8')).toBe(before);
  });

  it('knows which tasks there are', async () => {
    const { exitCode, stderr } = await build(sound, '--task', 'clump');
    expect(exitCode).toBe(2);
    expect(stderr).toBe('error: The suite has no task clump.\nhint: It has clamp.\n');
  });

  it('says where it cannot write', async () => {
    const { suite, file } = await copy();
    await mkdir(`${file('measured.json')}.new`);
    const { exitCode, stderr } = await build(suite);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('measured.json');
    expect(stderr).toContain('hint: Check that the suite’s folders can be written');
  });
});
