import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { createHttp } from '../../src/serving/http.ts';
import { checkModel } from '../../src/serving/model-check.ts';
import { loadOllama } from '../../src/serving/probe/ollama.ts';
import { probe } from '../../src/serving/probe/probe.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  },
};

/** A loopback server that answers these paths with JSON, and all others with `otherwise`. */
async function serve(paths: Record<string, unknown>, otherwise = 404) {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization ?? ''}`.trim());
    const body = paths[request.url ?? ''];
    response.writeHead(body === undefined ? otherwise : 200, {
      'content-type': 'application/json',
    });
    response.end(JSON.stringify(body ?? { error: 'no' }));
  });
  servers.push(server);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  return { url: `http://127.0.0.1:${port}`, asked };
}

const httpOf = (url: string, apiKey?: string) =>
  createHttp({ url, apiKey, fetch, clock, signal: new AbortController().signal });

describe('a probe', () => {
  it('knows Ollama, what it has and what it holds in memory', async () => {
    const { url } = await serve({
      '/api/version': { version: '0.17.4' },
      '/api/tags': { models: [{ name: 'a:latest' }, { name: 'b:7b' }] },
      '/api/ps': { models: [{ name: 'b:7b', size_vram: 5, context_length: 4096 }] },
    });
    const found = await probe(httpOf(url));
    expect(found).toMatchObject({
      state: 'reachable',
      facts: { kind: 'ollama', version: '0.17.4', gpu: true, adapters: null },
    });
    if (found.state !== 'reachable') return;
    expect(found.facts.models.map(({ id, contextTokens }) => [id, contextTokens])).toEqual([
      ['a:latest', null],
      ['b:7b', 4096],
    ]);
    // What is in memory is the likelier choice, and a bare name means `latest`.
    expect(checkModel(found.facts, null).model).toBe('b:7b');
    expect(checkModel(found.facts, 'a').model).toBe('a:latest');
    expect(checkModel(found.facts, 'c:1b').check).toMatchObject({
      state: 'failed',
      hint: 'Fetch it with: ollama pull c:1b',
    });
  });

  it('knows llama-server, which answers to any name', async () => {
    const { url } = await serve({
      '/props': { default_generation_settings: { n_ctx: 2048 }, total_slots: 4, build_info: 'b1' },
      '/v1/models': { data: [{ id: '/models/tiny.gguf' }] },
      '/lora-adapters': [{ id: 0, path: '/adapters/style.gguf', scale: 1 }],
    });
    const found = await probe(httpOf(url));
    expect(found).toMatchObject({
      state: 'reachable',
      facts: { kind: 'llama-server', version: 'b1', slots: 4, adapters: ['style.gguf'] },
    });
    if (found.state !== 'reachable') return;
    expect(checkModel(found.facts, 'other').check.state).toBe('warning');
  });

  it('knows vLLM and its adapters, and sends the key', async () => {
    const { url, asked } = await serve({
      '/version': { version: '0.32.0' },
      '/v1/models': {
        data: [
          { id: 'base', max_model_len: 2048, parent: null },
          { id: 'style', parent: 'base' },
        ],
      },
    });
    const found = await probe(httpOf(url, 'secret'));
    expect(found).toMatchObject({
      state: 'reachable',
      facts: { kind: 'vllm', version: '0.32.0', adapters: ['style'] },
    });
    expect(asked.at(-1)).toBe('GET /version Bearer secret');
    if (found.state === 'reachable') expect(checkModel(found.facts, null).model).toBe('base');
  });

  it.each([
    [503, 'loading'],
    [401, 'auth'],
    [404, 'unknown'],
  ])('takes HTTP %i for %s', async (status, state) => {
    const { url } = await serve({}, status);
    expect((await probe(httpOf(url))).state).toBe(state);
  });

  it('says that nothing answers', async () => {
    const { url } = await serve({});
    servers.pop()?.close();
    expect(await probe(httpOf(url))).toMatchObject({ state: 'unreachable' });
  });
});

describe('loading a model of Ollama', () => {
  it('takes it out of memory first and reads the time in milliseconds', async () => {
    const { url, asked } = await serve({ '/api/generate': { load_duration: 1_500_000_000 } });
    expect(await loadOllama(httpOf(url), 'a', 1000)).toBe(1500);
    expect(asked).toHaveLength(2);
  });
});
