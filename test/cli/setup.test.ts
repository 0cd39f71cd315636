import { readFile, readdir, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import path from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCli, type CliResult } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';

const KEY = 'sk-ant-topsecret';
const folders = new TemporaryFolders();
const servers: Server[] = [];
let cwd: string;

beforeEach(async () => {
  cwd = await folders.make();
});
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});
afterAll(() => folders.remove());

/** An Ollama that has one model and fetches `rnj-1`, a vLLM's list and a check of keys, in one. */
async function startServers(
  pullLines: readonly object[] = PULLED,
  onPull?: () => void,
): Promise<string> {
  const names = ['qwen2.5-coder:7b'];
  const server = createServer((request, response) => {
    const answer = (body: object, status = 200): void =>
      void response.writeHead(status).end(JSON.stringify(body));
    switch (request.url) {
      case '/api/version':
        answer({ version: '0.17.4' });
        break;
      case '/api/tags':
        answer({ models: names.map((name) => ({ name, size: 4.7e9 })) });
        break;
      case '/api/pull':
        names.push('rnj-1:latest');
        response.writeHead(200);
        for (const line of pullLines) response.write(`${JSON.stringify(line)}\n`);
        // Without a listener the answer is whole; with one it goes on until the client leaves.
        if (onPull === undefined) response.end();
        else onPull();
        break;
      case '/v1/models':
        answer({ data: [{ id: 'served' }] }, request.headers['x-api-key'] === KEY ? 200 : 401);
        break;
      default:
        answer({}, 404);
    }
  });
  servers.push(server);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `http://127.0.0.1:${address.port}`;
}
const PULLED = [
  { status: 'pulling manifest' },
  { status: 'pulling a', digest: 'sha256:a', total: 1000, completed: 1000 },
  { status: 'success' },
];

/** Every usual server is told to be where nothing is, so that those of the machine do not matter. */
async function configured(more: object = {}): Promise<string> {
  const nowhere = { kind: 'openai-compatible', url: 'http://127.0.0.1:1' };
  const file = path.join(cwd, 'aqe-llm.config.json');
  const config = { state: 'kept', servers: { vllm: nowhere, 'llama-server': nowhere, ...more } };
  await writeFile(file, JSON.stringify(config));
  return file;
}
const setup = (args: string[], env = {}, signal?: AbortSignal): Promise<CliResult> =>
  runCli(['setup', ...args], { cwd, env, ...(signal === undefined ? {} : { signal }) });

describe('setup models', () => {
  it('lists what fits and what is where', async () => {
    await configured();
    const env = { OLLAMA_HOST: await startServers() };
    const { exitCode, stdout } = await setup(['models', '--json'], env);
    expect(exitCode).toBe(0);
    const parsed: unknown = JSON.parse(stdout);
    expect(parsed).toMatchObject({
      servers: expect.arrayContaining([expect.objectContaining({ name: 'ollama', state: 'up' })]),
      models: expect.arrayContaining([
        expect.objectContaining({ name: 'qwen2.5-coder:7b', installed: ['ollama'] }),
        expect.objectContaining({ name: 'qwen2.5-coder-0.5b-instruct', runs: 'file' }),
      ]),
    });
    const table = await setup(['models'], env);
    expect(table.stdout).toMatch(/^qwen2\.5-coder:7b +~4\.7 GB +~6\.9 GB .* ollama$/m);
    expect(table.stdout).not.toMatch(/smollm2|[ ]$/m);
  });

  it('fetches through Ollama and says so', async () => {
    await configured();
    const { exitCode, stdout, stderr } = await setup(['models', 'rnj-1'], {
      OLLAMA_HOST: await startServers(),
    });
    expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: 'rnj-1: on ollama\n' });
    expect(stderr).toMatch(/fetches rnj-1 …\nrnj-1 is there\n$/);
  });

  it('fails with the server’s words', async () => {
    await configured();
    const env = {
      OLLAMA_HOST: await startServers([{ status: 'x' }, { error: 'file does not exist' }]),
    };
    const { exitCode, stdout } = await setup(['models', 'nosuch', '--json'], env);
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({
      error: { code: 'pull.failed', message: 'Ollama cannot fetch nosuch: file does not exist' },
    });
    const wrong = await setup(['models', 'rnj-1', '--on', 'vllm'], env);
    expect(wrong.stderr).toContain('error: "vllm" is no Ollama server.');
  });
});

describe('setup with what to set up', () => {
  it('fetches what is missing and changes just that, again and again', async () => {
    const file = await configured();
    const env = { OLLAMA_HOST: await startServers() };
    const first = await setup(['--direct', 'ollama:rnj-1', '--cloud', 'anthropic:claude-x'], env);
    expect(first.exitCode).toBe(0);
    expect(first.stdout).toContain('Local tier: ollama:rnj-1\nCloud tier: anthropic:claude-x\n');
    expect(first.stderr).toContain('rnj-1 is there');
    const text = await readFile(file, 'utf8');
    expect(Object.entries(JSON.parse(text))).toEqual([
      ['$schema', expect.any(String)],
      ['state', 'kept'],
      ['servers', expect.anything()],
      ['tiers', { direct: 'ollama:rnj-1', cloud: 'anthropic:claude-x' }],
      ['baseline', { candidate: 'ollama:rnj-1' }],
    ]);
    const again = await setup(['--direct', 'ollama:rnj-1'], env);
    expect(again.stderr).not.toContain('fetches');
    expect(await readFile(file, 'utf8')).toBe(text);
    const threads = await setup(['--threads', '3', '--yes'], env);
    expect(threads.exitCode).toBe(0);
    expect(JSON.parse(await readFile(file, 'utf8'))).toEqual({
      ...JSON.parse(text),
      embedded: { threads: 3 },
    });
  });

  it('adds a server that answers', async () => {
    const file = await configured();
    const url = await startServers();
    const added = await setup(['--server', `gpu=${url}/`, '--direct', 'gpu:qwen2.5-coder:7b']);
    expect(added.exitCode).toBe(0);
    expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({
      servers: { gpu: { kind: 'ollama', url } },
      tiers: { direct: 'gpu:qwen2.5-coder:7b' },
    });
  });

  it.each([
    [['--direct', 'vllm:x'], 'The server vllm does not answer at http://127.0.0.1:1.'],
    [['--direct', 'nosuch:x'], '"nosuch:x" names no known server and model.'],
    [['--server', 'gpu=http://127.0.0.1:1'], 'No known model server answers'],
    [['--threads', '0'], 'expected a whole number from 1'],
    [['--server', 'gpu'], 'expected a name and an address'],
  ])('writes nothing where that cannot work: %j', async (args, says) => {
    const file = await configured();
    const before = await readFile(file, 'utf8');
    const { exitCode, stderr } = await setup(args);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(says);
    expect(await readFile(file, 'utf8')).toBe(before);
  });

  it('ends on an interrupt with nothing written', async () => {
    const file = await configured();
    const before = await readFile(file, 'utf8');
    const interrupt = new AbortController();
    const env = {
      OLLAMA_HOST: await startServers(PULLED.slice(0, 2), () => interrupt.abort(new Error('stop'))),
    };
    const { stderr } = await setup(['--direct', 'ollama:rnj-1'], env, interrupt.signal);
    expect(stderr).toContain('What has come is kept');
    expect(stderr).toContain('error: stop');
    expect(await readFile(file, 'utf8')).toBe(before);
    expect(await readdir(cwd)).toEqual(['aqe-llm.config.json']);
  });
});

describe('setup --check-key', () => {
  it('asks the configured address only, and never shows the key', async () => {
    const url = await startServers();
    await configured({ anthropic: { kind: 'anthropic', url } });
    const good = await setup(['--check-key'], { ANTHROPIC_API_KEY: KEY });
    expect(good).toMatchObject({
      exitCode: 0,
      stdout: 'Nothing was changed.\n',
      stderr: 'ANTHROPIC_API_KEY is accepted.\n',
    });
    const bad = await setup(['--check-key', '--json'], { ANTHROPIC_API_KEY: `${KEY}x` });
    expect(bad.exitCode).toBe(1);
    expect(JSON.parse(bad.stdout)).toMatchObject({ error: { code: 'key.refused' } });
    const none = await setup(['--check-key'], { ANTHROPIC_API_KEY: '' });
    expect(none.stderr).toContain('ANTHROPIC_API_KEY is not set.');
    for (const { stdout, stderr } of [good, bad, none]) {
      expect(stdout + stderr).not.toContain('topsecret');
    }
  });
});
