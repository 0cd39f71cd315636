import { existsSync, readFileSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { z } from 'zod';
import { startEchoServer, type EchoServer } from './echo-server.ts';
import { runCli, spawnCli, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';

const folders = new TemporaryFolders();
let server: EchoServer;
let cwd: string;
beforeAll(async () => {
  server = await startEchoServer();
});
afterAll(async () => {
  await server.close();
  await folders.remove();
});
beforeEach(async () => {
  cwd = await folders.make();
  await configure(server.url);
});

async function configure(url: string): Promise<void> {
  const config = {
    servers: { here: { kind: 'openai-compatible', url } },
    tiers: { direct: 'here:echo' },
    breaker: { openMs: 100 },
  };
  await writeFile(path.join(cwd, 'aqe-llm.config.json'), JSON.stringify(config));
}

function write(lines: readonly (object | string)[], name = 'in.jsonl'): Promise<void> {
  const text = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
  return writeFile(path.join(cwd, name), text.join('\n'));
}

const resultSchema = z.strictObject({
  line: z.number(),
  id: z.string().optional(),
  sameAs: z.number().optional(),
  ok: z.boolean(),
  answer: z.looseObject({ text: z.string(), usd: z.number() }).optional(),
  error: z.strictObject({ code: z.string(), message: z.string() }).optional(),
});

function results(name = 'out.jsonl'): z.output<typeof resultSchema>[] {
  const text = readFileSync(path.join(cwd, name), 'utf8');
  return text
    .trimEnd()
    .split('\n')
    .map((line) => resultSchema.parse(JSON.parse(line)));
}

function batch(...flags: string[]): Promise<CliResult> {
  return runCli(['route', 'batch', 'in.jsonl', '-o', 'out.jsonl', ...flags], { cwd });
}

it('answers every line in order, as many at once as the server has slots', async () => {
  const before = server.prompts.length;
  await write([
    ...Array.from({ length: 30 }, (_, i) => ({ id: `n${i}`, prompt: `Question ${i}` })),
    { prompt: 'Question   7 ' },
    {
      custom_id: 'o',
      method: 'POST',
      url: '/v1/chat/completions',
      body: { messages: [{ role: 'user', content: 'From a batch file' }] },
    },
  ]);
  const { exitCode, stdout, stderr } = await batch();
  expect(stderr).toContain('32 lines to answer');
  expect({ exitCode, stdout }).toMatchObject({
    exitCode: 0,
    stdout: expect.stringContaining('32 lines: 32 answered, 1 the same as others, $0.00'),
  });
  const written = results();
  expect(written.map(({ line }) => line)).toEqual(Array.from({ length: 32 }, (_, i) => i + 1));
  expect(written[7]).toMatchObject({
    id: 'n7',
    answer: { text: 'echo: Question 7', target: 'here:echo' },
  });
  expect(written[30]).toMatchObject({ sameAs: 8, answer: { text: 'echo: Question 7', usd: 0 } });
  expect(written[31]).toMatchObject({ id: 'o', answer: { text: 'echo: From a batch file' } });
  expect(server.prompts.length - before).toBe(31);
  expect(server.most).toBe(4);
  expect(existsSync(path.join(cwd, 'out.jsonl.aqe-batch'))).toBe(false);
});

it('records the failure of a line and goes on', async () => {
  await write([{ prompt: 'a' }, { id: 'x', prompt: 'refuse me' }, { prompt: 'b' }]);
  const { exitCode, stdout } = await batch('--json');
  expect(exitCode).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({ total: 3, answered: 2, failed: 1, usd: 0 });
  expect(results()[1]).toEqual({
    line: 2,
    id: 'x',
    ok: false,
    error: {
      code: 'provider.bad-request',
      message: 'The server answered 400: this prompt is refused',
    },
  });
});

it('names every problem of the input by its line, and sends nothing', async () => {
  const before = server.prompts.length;
  const lines: (object | string)[] = Array.from({ length: 10_000 }, (_, i) => ({
    id: `${i}`,
    prompt: `p ${i}`,
  }));
  lines[1] = { id: '0', prompt: 'again' };
  lines[4] = { prompt: 'both', messages: [] };
  lines[5] = { prompt: 'x', session: 's' };
  lines[9998] = '{"prompt": "cut off';
  await write(lines);
  const { exitCode, stdout } = await batch('--json');
  expect(exitCode).toBe(2);
  const { error } = JSON.parse(stdout);
  expect(error.code).toBe('batch.invalid');
  expect(error.problems.map((problem: { path: string }) => problem.path)).toEqual([
    'line 2',
    'line 5, messages',
    'line 5',
    'line 6, session',
    'line 9999',
  ]);
  expect(server.prompts.length).toBe(before);
  expect(existsSync(path.join(cwd, 'out.jsonl'))).toBe(false);
});

it('never replaces an output without --force', async () => {
  await write([{ prompt: 'a' }]);
  expect((await batch()).exitCode).toBe(0);
  const again = await batch('--json');
  expect(again.exitCode).toBe(2);
  expect(JSON.parse(again.stdout).error.code).toBe('batch.exists');
  expect((await batch('--force')).exitCode).toBe(0);
  expect(results()).toHaveLength(1);
  const self = await runCli(['route', 'batch', 'in.jsonl', '-o', 'in.jsonl', '--force'], { cwd });
  expect(self.stderr).toContain('The output is the input itself.');
  expect(await readFile(path.join(cwd, 'in.jsonl'), 'utf8')).toBe('{"prompt":"a"}');
});

it('tells why the input or the output cannot be used', async () => {
  expect((await batch()).stderr).toContain('in.jsonl cannot be read');
  await write([]);
  expect((await batch()).stderr).toContain('there is no request');
  await write([{ prompt: 'a' }]);
  const nowhere = await runCli(['route', 'batch', 'in.jsonl', '-o', 'no/out.jsonl', '--json'], {
    cwd,
  });
  expect(nowhere.exitCode).toBe(2);
  expect(JSON.parse(nowhere.stdout).error.code).toBe('batch.unwritable');
  await mkdir(path.join(cwd, 'out.jsonl'));
  expect((await batch()).stderr).toContain('out.jsonl is there already');
  await writeFile(path.join(cwd, 'kept.jsonl'), '');
  await chmod(path.join(cwd, 'kept.jsonl'), 0o444);
  // The superuser may write anyway.
  if (process.getuid?.() !== 0) {
    const kept = await runCli(['route', 'batch', 'in.jsonl', '-o', 'kept.jsonl'], { cwd });
    expect(kept.stderr).toContain('cannot be written');
  }
});

it('stops when nobody answers any more, and goes on later', async () => {
  const broken = await startEchoServer({ waitMs: 1 });
  await configure(broken.url);
  await write(Array.from({ length: 40 }, (_, i) => ({ prompt: `Question ${i}` })));
  broken.down = true;
  const stopped = await batch('--json', '--concurrency', '16');
  expect(stopped.exitCode).toBe(1);
  expect(JSON.parse(stopped.stdout).error).toMatchObject({
    code: 'batch.stopped',
    hint: expect.stringContaining('Run the same command again'),
  });
  broken.down = false;
  const { exitCode } = await batch('--concurrency', '16');
  expect(exitCode).toBe(0);
  expect(results().every(({ ok }) => ok)).toBe(true);
  await broken.close();
});

it('goes on after kill -9 under load, as if nothing had happened', async () => {
  const slow = await startEchoServer({ slots: 8, waitMs: 20 });
  await configure(slow.url);
  const lines = Array.from({ length: 120 }, (_, i) => ({
    id: `n${i}`,
    prompt: i % 10 === 9 ? `Question ${i - 9}` : `Question ${i}`,
    temperature: 0,
  }));
  await write(lines);
  const args = ['route', 'batch', 'in.jsonl', '-o', 'out.jsonl'];
  for (let kills = 1; kills <= 3; kills++) {
    const enough = slow.prompts.length + 15;
    const spawned = spawnCli(args, { cwd });
    while (slow.prompts.length < enough) await sleep(5);
    spawned.child.kill('SIGKILL');
    expect(await spawned.ended).toBe('SIGKILL');
  }
  const asked = slow.prompts.length;
  const last = spawnCli(args, { cwd });
  expect(await last.ended, last.stderr()).toBe(0);
  expect(last.stderr()).toMatch(/Going on: \d+ of 120 lines are there/);
  expect(results().map(({ id, answer }) => [id, answer?.text])).toEqual(
    lines.map(({ id, prompt }) => [id, `echo: ${prompt}`]),
  );
  // Only what was on its way at a kill is asked for again.
  expect(asked).toBeLessThan(108);
  expect(slow.prompts.length).toBeLessThanOrEqual(108 + 3 * 8);
  await slow.close();
});

it('ends well at Ctrl-C, and says how to go on', async () => {
  await write(Array.from({ length: 200 }, (_, i) => ({ prompt: `Question ${i}` })));
  const enough = server.prompts.length + 20;
  const args = ['route', 'batch', 'in.jsonl', '-o', 'out.jsonl'];
  const stopped = spawnCli(args, { cwd });
  while (server.prompts.length < enough) await sleep(2);
  stopped.child.kill('SIGINT');
  expect(await stopped.ended).toBe(130);
  expect(stopped.stderr()).toMatch(/\d+ of 200 lines are there and kept: the same command goes on/);
  const before = results().length;
  expect(before).toBeGreaterThan(0);
  const changed = await readFile(path.join(cwd, 'in.jsonl'), 'utf8');
  await writeFile(path.join(cwd, 'in.jsonl'), `${changed}\n{"prompt":"more"}`);
  const refused = await batch('--json');
  expect(JSON.parse(refused.stdout).error).toMatchObject({
    code: 'batch.input-changed',
    exitCode: 2,
  });
  await writeFile(path.join(cwd, 'in.jsonl'), changed);
  expect((await batch()).exitCode).toBe(0);
  expect(results()).toHaveLength(200);
});
