import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { startModelServer, type Mood } from '../routing/model-server.ts';
import { runCli, spawnCli, type Spawned } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';

const folders = new TemporaryFolders();
let cwd: string;
beforeEach(async () => {
  cwd = await folders.make();
});
afterAll(() => folders.remove());

const urlLine = z.strictObject({ url: z.url() });
const ASK = JSON.stringify({ model: 'auto', messages: [{ role: 'user', content: 'a secret' }] });

async function configure(config: object): Promise<void> {
  await writeFile(path.join(cwd, 'aqe-llm.config.json'), JSON.stringify(config));
}

/** A gateway in a process of its own, in front of one model server. */
async function serve(
  mood: Mood,
  gateway: object = {},
  env: Record<string, string> = {},
): Promise<Spawned & { url: string }> {
  const { url } = await startModelServer('near', mood);
  await configure({
    servers: { near: { kind: 'openai-compatible', url } },
    tiers: { direct: 'near:m' },
    gateway,
  });
  const spawned = spawnCli(['route', 'serve', '--port', '0', '--json'], { cwd, env });
  onTestFinished(() => void spawned.child.kill('SIGKILL'));
  await expect.poll(spawned.stdout, { timeout: 30_000 }).toContain('\n');
  const [first = ''] = spawned.stdout().split('\n');
  return { ...spawned, url: urlLine.parse(JSON.parse(first)).url };
}

const chat = (url: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${url}/v1/chat/completions`, { method: 'POST', body: ASK, headers });

describe('route serve', () => {
  it('answers, logs, records and ends when it is told to', async () => {
    const { url, child, ended, stdout } = await serve('well');
    const answer = await chat(url);
    expect(answer.status).toBe(200);
    const id = answer.headers.get('x-aqe-request-id');
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain('http_route="/v1/chat/completions"');
    child.kill('SIGTERM');
    expect(await ended).toBe(0);
    const lines = stdout().trim().split('\n').slice(1);
    expect(lines.map((line): unknown => JSON.parse(line))).toMatchObject([
      { route: '/v1/chat/completions', status: 200, requestId: id },
      { route: '/metrics', status: 200 },
    ]);
    expect(stdout()).not.toContain('secret');
    const { stdout: history } = await runCli(['route', 'history', '--json'], { cwd });
    expect(history).toContain(`"${id}"`);
  });

  it('tells of a locked database and lives on', async () => {
    const { url } = await serve('well');
    const other = new Sqlite(path.join(cwd, '.aqe-llm', 'state.sqlite'));
    onTestFinished(() => void other.close());
    other.exec('BEGIN IMMEDIATE');
    const answer = await chat(url);
    expect([answer.status, await answer.json()]).toMatchObject([
      503,
      { error: { code: 'storage.locked', type: 'server_error' } },
    ]);
    other.exec('ROLLBACK');
    expect((await chat(url)).status).toBe(200);
  });

  it('asks for the key of the configuration', async () => {
    const { url } = await serve('well', { apiKeyEnv: 'GATEWAY_KEY' }, { GATEWAY_KEY: 'the-key' });
    expect((await chat(url)).status).toBe(401);
    expect((await chat(url, { authorization: 'Bearer the-key' })).status).toBe(200);
  });

  it.each([
    ['without a key for others', ['--host', '0.0.0.0'], {}, 'gateway.key-needed'],
    ['with a key that is not there', [], { apiKeyEnv: 'NO_SUCH_KEY' }, 'gateway.key-missing'],
    ['on an address of another machine', [], { host: '203.0.113.7' }, 'gateway.key-needed'],
  ])('does not begin %s', async (_why, flags, gateway, code) => {
    await configure({ gateway });
    const { exitCode, stdout } = await runCli(['route', 'serve', ...flags, '--json'], { cwd });
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([2, { error: { code } }]);
  });

  it('does not begin where another program listens', async () => {
    const { url } = await serve('well');
    const args = ['route', 'serve', '--port', new URL(url).port, '--json'];
    const { exitCode, stdout } = await runCli(args, { cwd });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'gateway.cannot-listen' } });
  });
});
