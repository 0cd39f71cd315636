import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCli, spawnCli, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';

const errorSchema = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    message: z.string(),
    hint: z.string().optional(),
    problems: z.array(z.strictObject({ path: z.string(), message: z.string() })).optional(),
    exitCode: z.number(),
  }),
});

const COMMANDS = [
  [],
  ['setup'],
  ['setup', 'models'],
  ['setup', 'doctor'],
  ['setup', 'observability'],
  ['serve-check'],
  ['route'],
  ['route', 'explain'],
  ['route', 'history'],
  ['route', 'chat'],
  ['route', 'batch'],
  ['route', 'serve'],
  ['baseline'],
  ['baseline', 'record'],
  ['baseline', 'merge'],
  ['baseline', 'compare'],
  ['baseline', 'history'],
  ['baseline', 'suite'],
  ['baseline', 'suite', 'init'],
  ['baseline', 'suite', 'check'],
  ['baseline', 'suite', 'build'],
  ['cost-report'],
  ['baseline', 'validate'],
  ['cost-report', 'advice'],
  ['cost-report', 'prices'],
  ['cost-report', 'prices', 'import'],
  ['cost-report', 'reconcile'],
  ['rollout'],
  ['rollout', 'start'],
  ['rollout', 'rollback'],
];
const USAGE = [
  { args: ['nosuch'], code: 'usage.unknown-command', says: "unknown command 'nosuch'" },
  { args: ['basline'], code: 'usage.unknown-command', says: 'Did you mean baseline?' },
  { args: ['baseline', '--quik'], code: 'usage.unknown-option', says: 'Did you mean --quick?' },
  { args: ['baseline', '--rubric', 'x'], code: 'usage.invalid-argument', says: 'linear, plan' },
  { args: ['baseline', '--seed', 'x'], code: 'usage.invalid-argument', says: 'a whole number' },
  { args: ['baseline', '--seed', '1.5'], code: 'usage.invalid-argument', says: 'a whole number' },
  { args: ['baseline', '--max-tokens', '3'], code: 'usage.invalid-argument', says: 'from 16 on' },
  { args: ['baseline', '--threads', '0'], code: 'usage.invalid-argument', says: 'from 1 on' },
  { args: ['baseline', '--temperature', '9'], code: 'usage.invalid-argument', says: '0 to 2' },
  { args: ['baseline', '--shard', '5/4'], code: 'usage.invalid-argument', says: 'as in 2/4' },
  { args: ['baseline', '--threshold', 'x=1'], code: 'usage.invalid-argument', says: '=0.9' },
  { args: ['baseline', '--max-cost', 'x'], code: 'usage.invalid-argument', says: 'dollars' },
  { args: ['baseline', 'merge'], code: 'usage.missing-argument', says: 'files' },
  { args: ['baseline', '--temperature', ''], code: 'usage.invalid-argument', says: '0 to 2' },
  { args: ['route', 'hystory'], code: 'usage.unknown-command', says: "'hystory'" },
  { args: ['route', 'x', '--model'], code: 'usage.option-missing-argument', says: 'missing' },
  { args: ['route', 'x', '--seed', '-1'], code: 'usage.invalid-argument', says: 'from 0 to' },
  { args: ['route', 'x', '--category', 'y'], code: 'usage.invalid-argument', says: 'code-review' },
  { args: ['route', 'history', '--seed', '1'], code: 'usage.unknown-option', says: "'--seed'" },
  { args: ['route', 'batch', 'x', '-o', 'y', '--private'], code: 'usage.unknown-option', says: '' },
  { args: ['route', 'serve', '--private'], code: 'usage.unknown-option', says: "'--private'" },
  { args: ['route', 'history', '--since', 'x'], code: 'usage.invalid-argument', says: '30m, 2h' },
  { args: ['route', 'history', '--status', 'x'], code: 'usage.invalid-argument', says: 'answered' },
  { args: ['baseline', '--state'], code: 'usage.option-missing-argument', says: 'missing' },
  { args: ['baseline', 'word'], code: 'usage.excess-arguments', says: 'too many arguments' },
  { args: ['baseline', 'suite', 'x'], code: 'usage.unknown-command', says: "'x'" },
  { args: ['baseline', 'suite', 'build'], code: 'usage.missing-argument', says: 'folder' },
  {
    args: ['rollout', 'rollback', '--partial', '--complete'],
    code: 'usage.conflicting-option',
    says: 'cannot be used with',
  },
  {
    args: ['rollout', 'rollback', '--to', '120'],
    code: 'usage.invalid-argument',
    says: '0 to 100',
  },
  { args: ['rollout', 'advanse'], code: 'usage.unknown-command', says: 'Did you mean advance?' },
  {
    args: ['baseline', '--resume', 'r', '--seed', '1'],
    code: 'usage.conflicting-option',
    says: 'cannot be used with',
  },
];

const folders = new TemporaryFolders();
let cwd: string;
beforeAll(async () => {
  cwd = await folders.make();
});
afterAll(() => folders.remove());

function errorOf({ stdout }: CliResult): z.infer<typeof errorSchema>['error'] {
  return errorSchema.parse(JSON.parse(stdout)).error;
}

describe('--help', () => {
  it.each(COMMANDS.map((words) => ({ words, name: ['aqe-llm', ...words].join(' ') })))(
    'of $name',
    async ({ words, name }) => {
      const help = await runCli([...words, '--help'], { cwd });
      expect(help).toMatchObject({ exitCode: 0, stderr: '' });
      expect(help.stdout).toMatchSnapshot(name);
    },
  );

  it('is the same as `help` and the command', async () => {
    const words = ['baseline'];
    const asked = await runCli(['help', ...words], { cwd });
    expect(asked).toEqual(await runCli([...words, '--help'], { cwd }));
  });

  it('fits the terminal, and colours nothing', async () => {
    const { stdout } = await runCli(['--help'], { cwd, terminal: 60 });
    const options = stdout.slice(0, stdout.indexOf('\nExit codes'));
    for (const line of options.split('\n')) expect(line.length).toBeLessThanOrEqual(60);
    expect(stdout).not.toContain('\u001B');
  });

  it('comes, as an error, where a command is missing', async () => {
    for (const words of [[], ['baseline', 'suite']]) {
      const { exitCode, stdout, stderr } = await runCli(words, { cwd });
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
      expect(stderr).toMatch(/^Usage: aqe-llm/);
    }
    expect(errorOf(await runCli(['--json'], { cwd })).code).toBe('usage.help');
  });
});

describe('wrong usage', () => {
  it.each(USAGE)('$args', async ({ args, code, says }) => {
    const plain = await runCli(args, { cwd });
    expect(plain).toMatchObject({ exitCode: 2, stdout: '' });
    expect(plain.stderr).toContain(says);
    expect(plain.stderr).toMatch(/^hint: /m);
    expect(plain.stderr).not.toMatch(/^\s+at /m);
    const json = await runCli(['--json', ...args], { cwd });
    expect(errorOf(json)).toMatchObject({ code, exitCode: 2 });
    expect(json.exitCode).toBe(2);
  });

  it('shows where an error arose with --verbose only', async () => {
    const args = ['--config', 'absent.json', 'setup', 'doctor'];
    const quiet = await runCli(args, { cwd });
    const verbose = await runCli([...args, '--verbose'], { cwd });
    expect(quiet.stderr).not.toMatch(/^\s+at /m);
    expect(verbose.stderr).toMatch(/^\s+at /m);
    expect(verbose.exitCode).toBe(2);
  });
});

describe('the built program', () => {
  it('prints its version', async () => {
    const program = spawnCli(['--version'], { cwd });
    expect(await program.ended).toBe(0);
    expect(program.stdout()).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect(program.stderr()).toBe('');
  });

  it('exits 2 on wrong usage, with one JSON object when asked', async () => {
    const program = spawnCli(['baseline', '--rubric', 'x', '--json'], { cwd });
    expect(await program.ended).toBe(2);
    expect(errorSchema.parse(JSON.parse(program.stdout())).error.exitCode).toBe(2);
  });

  it('writes no colours into a pipe', async () => {
    const program = spawnCli(['setup', 'doctor', '--json'], { cwd });
    await program.ended;
    const findings = z.object({ ready: z.boolean(), findings: z.array(z.unknown()).min(5) });
    findings.parse(JSON.parse(program.stdout()));
    expect(program.stdout() + program.stderr()).not.toContain('\u001B');
  });
});
