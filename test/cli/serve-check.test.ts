import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runCli } from './run-cli.ts';
import { TemporaryFolders } from './temporary-folders.ts';

const reportSchema = z.object({
  schema: z.literal('aqe-llm/serve-check@1'),
  verdict: z.object({ state: z.string(), reasons: z.array(z.string()) }),
  targets: z.array(
    z.object({
      ready: z.boolean(),
      kind: z.string().nullable(),
      load: z.object({
        state: z.string(),
        steps: z.array(z.object({ answered: z.number(), goodput: z.unknown() })).optional(),
        change: z.object({ steps: z.array(z.unknown()) }).nullish(),
        soak: z.object({ requests: z.number() }).nullish(),
      }),
    }),
  ),
});

/** An OpenAI-compatible server, as vLLM shows itself; it answers three tokens at once. */
function vllm(): Server {
  return createServer((request, response) => {
    const json = (body: unknown): void => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(JSON.stringify(body));
    };
    request.resume();
    if (request.url === '/version') return json({ version: '0.32.0' });
    if (request.url === '/v1/models') {
      return json({ data: [{ id: 'tiny', owned_by: 'vllm', max_model_len: 2048 }] });
    }
    if (request.url === '/v1/chat/completions') {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      const chunk = (body: object): void =>
        void response.write(
          `data: ${JSON.stringify({ id: 'c', object: 'chat.completion.chunk', created: 1, model: 'tiny', ...body })}\n\n`,
        );
      for (const content of ['one', ' two', ' three']) {
        chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
      }
      chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'length' }] });
      chunk({
        choices: [],
        usage: { prompt_tokens: 60, completion_tokens: 3, total_tokens: 63 },
      });
      response.end('data: [DONE]\n\n');
      return;
    }
    response.writeHead(404, { 'content-type': 'application/json' });
    response.end('{"error":{"message":"no","type":"NotFoundError","code":404}}');
  });
}

const folders = new TemporaryFolders();
const server = vllm();
let cwd: string;
let url: string;
beforeAll(async () => {
  cwd = await folders.make();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
});
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await folders.remove();
});

async function check(...args: string[]) {
  const result = await runCli(['serve-check', '--json', ...args], { cwd });
  return { ...result, report: reportSchema.parse(JSON.parse(result.stdout)) };
}

describe('serve-check', () => {
  it('measures a server, keeps the objective, and writes a page', async () => {
    const args = ['--url', url, '--concurrency', '1,2', '--slo', 'e2e=60s', '--html', 'page.html'];
    const { exitCode, report } = await check(...args, '--soak', '60');
    expect(exitCode).toBe(0);
    expect(report.verdict).toEqual({ state: 'ready', reasons: [] });
    expect(report.targets[0]).toMatchObject({ ready: true, kind: 'vllm' });
    expect(report.targets[0]?.load.steps?.map(({ answered }) => answered)).toEqual([20, 20]);
    expect(report.targets[0]?.load.soak?.requests).toBe(60);
    const page = await readFile(path.join(cwd, 'page.html'), 'utf8');
    expect(page).toContain('Time to the first token');
    expect(page).not.toMatch(/(src|href)="http/);
  });

  it('compares with the check before', async () => {
    const { report } = await check('--url', url, '--concurrency', '1', '--compare', 'last');
    expect(report.targets[0]?.load.change?.steps).toHaveLength(1);
  });

  it('exits 1 where the objective is missed, and 4 where it cannot be judged', async () => {
    const load = ['--url', url, '--concurrency', '1'];
    expect((await check(...load, '--slo', 'e2e=0ms')).exitCode).toBe(1);
    const few = await check(...load, '--requests', '5', '--slo', 'e2e=60s');
    expect(few.exitCode).toBe(4);
    expect(few.report.verdict.reasons[0]).toContain('at least 20 are needed');
  });

  it('sends no load when asked not to, nor at a rate that is none', async () => {
    const { report } = await check('--url', url, '--no-load');
    expect(report.targets[0]?.load).toMatchObject({ state: 'skipped' });
    const both = await runCli(['serve-check', '--rate', '1', '--concurrency', '2'], { cwd });
    expect(both.exitCode).toBe(2);
  });

  it('sends requests at a rate', async () => {
    const { exitCode, report } = await check('--url', url, '--rate', '200', '--requests', '30');
    expect(exitCode).toBe(0);
    expect(report.targets[0]?.load.steps?.[0]?.answered).toBe(30);
  });

  it('exits 1 where nothing answers or the model is missing', async () => {
    const dead = createServer();
    dead.listen(0, '127.0.0.1');
    await once(dead, 'listening');
    const address = dead.address();
    const port = typeof address === 'object' ? address?.port : 0;
    dead.close();
    const gone = await check('--url', `http://127.0.0.1:${port}`);
    expect(gone.exitCode).toBe(1);
    expect(gone.report.verdict.state).toBe('not-ready');
    const plain = await runCli(['serve-check', '--url', url, '--model', 'absent'], { cwd });
    expect(plain.exitCode).toBe(1);
    expect(plain.stdout).toContain('vllm serve absent');
  });

  it('stops where it is told to', async () => {
    const stop = new AbortController();
    stop.abort(new Error('stopped'));
    const stopped = await runCli(['serve-check', '--url', url], { cwd, signal: stop.signal });
    expect(stopped.stdout).toBe('');
    expect(stopped.stderr).toContain('stopped');
  });
});
