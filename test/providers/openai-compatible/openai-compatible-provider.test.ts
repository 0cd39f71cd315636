import { describe, expect, it } from 'vitest';
import {
  createOpenAiCompatibleProvider,
  type OpenAiCompatibleOptions,
} from '../../../src/providers/openai-compatible/openai-compatible-provider.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import {
  deadlines,
  json,
  lines,
  opened,
  readAll,
  requestOf,
  startLoopback,
  systemClock,
} from '../http/loopback.ts';

const CHAT = '/v1/chat/completions';

function open(url: string, more: Partial<OpenAiCompatibleOptions> = {}): Provider {
  const options = { id: 'vllm:m', model: 'm', url, deadlines, clock: systemClock, ...more };
  return opened(createOpenAiCompatibleProvider(options));
}

const event = (chunk: unknown): string => `data: ${JSON.stringify(chunk)}\n\n`;
const piece = (delta: unknown): string => event({ choices: [{ delta, finish_reason: null }] });
const stop = event({ choices: [{ delta: {}, finish_reason: 'stop' }] });
const usage = (more: object = {}): string =>
  event({ choices: [], usage: { prompt_tokens: 5, completion_tokens: 2, ...more } });
const DONE = 'data: [DONE]\n\n';
const sse = (written: string[], end?: 'whole' | 'open' | 'broken') =>
  lines('text/event-stream; charset=utf-8', written, end);

const vllmModels = json({ data: [{ id: 'm', owned_by: 'vllm', max_model_len: 400 }] });

describe('an answer', () => {
  it('is put together from the stream, thoughts apart, usage as it was told last', async () => {
    const server = await startLoopback({
      [CHAT]: sse([
        piece({ role: 'assistant', content: null }),
        piece({ reasoning: 'Hm.' }),
        piece({ content: 'Grüß' }),
        ': a comment\n\n',
        piece({ content: ' Gott' }),
        usage({ completion_tokens: 1 }),
        stop,
        usage({
          prompt_tokens_details: { cached_tokens: 4 },
          completion_tokens_details: { reasoning_tokens: 1 },
        }),
        DONE,
      ]),
    });
    const completion = await open(server.url).complete(requestOf('hi'));
    expect(completion).toMatchObject({
      model: 'm',
      text: 'Grüß Gott',
      thinking: 'Hm.',
      finishReason: 'stop',
      usage: { inputTokens: 5, outputTokens: 2, cachedInputTokens: 4, reasoningTokens: 1 },
    });
    expect(server.bodiesOf(CHAT)).toMatchObject([
      {
        model: 'm',
        max_tokens: 8,
        temperature: 0,
        seed: 1,
        stream_options: { include_usage: true },
      },
    ]);
  });

  it('has no usage where the server tells none', async () => {
    const server = await startLoopback({ [CHAT]: sse([piece({ content: 'a' }), stop, DONE]) });
    expect((await open(server.url).complete(requestOf('hi'))).usage).toEqual({});
  });

  it('is whole with a finish reason and without [DONE]', async () => {
    const server = await startLoopback({ [CHAT]: sse([piece({ content: 'a' }), stop]) });
    expect((await open(server.url).complete(requestOf('hi'))).finishReason).toBe('stop');
  });

  it('goes over the same connection as the one before', async () => {
    const server = await startLoopback({ [CHAT]: sse([piece({ content: 'a' }), stop, DONE]) });
    const provider = open(server.url);
    await provider.complete(requestOf('hi'));
    const connections = server.connections();
    for (let i = 0; i < 5; i++) await provider.complete(requestOf('hi'));
    expect(server.connections()).toBe(connections);
  });
});

describe('a failure', () => {
  const cases: [string, string, Parameters<typeof startLoopback>[0][string]][] = [
    ['a stream without its end mark', 'truncated-stream', sse([piece({ content: 'a' })])],
    ['a stream that breaks', 'truncated-stream', sse([piece({ content: 'a' })], 'broken')],
    ['[DONE] without a finish reason', 'truncated-stream', sse([piece({ content: 'a' }), DONE])],
    [
      'an answer given up',
      'truncated-stream',
      sse([event({ choices: [{ finish_reason: 'abort' }] })]),
    ],
    ['a chunk that is no JSON', 'malformed', sse(['data: {"choices":[\n\n', stop, DONE])],
    ['another content type', 'malformed', lines('text/html', ['<p>hello</p>'])],
    ['a whole answer instead of a stream', 'malformed', json({ choices: [] })],
    ['an error instead of a stream', 'overloaded', json({ error: { code: 503, message: 'busy' } })],
    [
      'an error in the stream',
      'engine-crashed',
      sse([event({ error: { message: 'EngineCore died' } })]),
    ],
    ['a redirect', 'unsupported', (response) => response.writeHead(307, { location: '/x' }).end()],
    ['no key', 'auth', json({ error: { message: 'no' } }, 401)],
    ['too much to do', 'rate-limited', json({ error: { message: 'slow down' } }, 429)],
    ['a closed connection', 'transport', (response) => response.destroy()],
  ];
  it.each(cases)('%s is %s', async (_name, failure, answer) => {
    const server = await startLoopback({ [CHAT]: answer });
    await expect(open(server.url).complete(requestOf('hi'))).rejects.toMatchObject({ failure });
    expect(server.bodiesOf(CHAT)).toHaveLength(1);
  });

  it('of a server that is not there says where it was looked for', async () => {
    const provider = open('http://127.0.0.1:1');
    await expect(provider.complete(requestOf('hi'))).rejects.toMatchObject({
      failure: 'transport',
      hint: expect.stringContaining('http://127.0.0.1:1'),
    });
    expect(await provider.health()).toMatchObject({ state: 'unavailable' });
  });

  it('comes when a deadline passes', async () => {
    const server = await startLoopback({
      [CHAT]: sse([piece({ role: 'assistant' })], 'open'),
      '/stalls/v1/chat/completions': sse([piece({ content: 'a' })], 'open'),
    });
    const late = (url: string, more: object): Promise<unknown> =>
      open(url, { deadlines: { ...deadlines, ...more } }).complete(requestOf('hi'));
    await expect(late(server.url, { firstTokenMs: 100 })).rejects.toMatchObject({
      failure: 'first-token-timeout',
    });
    const stalls = `${server.url}/stalls`;
    await expect(late(stalls, { idleMs: 100 })).rejects.toMatchObject({ failure: 'timeout' });
    await expect(late(stalls, { totalMs: 200 })).rejects.toMatchObject({ failure: 'timeout' });
  });

  it('by the caller ends the call at once and closes the connection', async () => {
    let tellClosed = (): void => {};
    const closed = new Promise<void>((resolve) => {
      tellClosed = resolve;
    });
    const server = await startLoopback({
      [CHAT]: (response) => {
        response.on('close', tellClosed);
        sse([piece({ content: 'a' })], 'open')(response, undefined, response.req);
      },
    });
    const provider = open(server.url);
    const controller = new AbortController();
    const stream = provider.stream(requestOf('hi'), { signal: controller.signal });
    const events = stream[Symbol.asyncIterator]();
    expect((await events.next()).value).toEqual({ type: 'text', text: 'a' });
    controller.abort();
    expect((await events.next()).value).toMatchObject({
      completion: { text: 'a', finishReason: 'cancelled' },
    });
    await closed;
    const aborted = { signal: AbortSignal.abort() };
    await expect(provider.complete(requestOf('hi'), aborted)).rejects.toMatchObject({
      failure: 'cancelled',
    });
    expect((await readAll(provider.stream(requestOf('hi'), aborted))).completion).toMatchObject({
      text: '',
      finishReason: 'cancelled',
    });
  });

  it('is what a call in flight and one after shutdown get', async () => {
    const server = await startLoopback({ [CHAT]: sse([piece({ content: 'a' })], 'open') });
    const provider = open(server.url);
    const inFlight = provider.stream(requestOf('hi'))[Symbol.asyncIterator]();
    await inFlight.next();
    await provider.shutdown();
    await expect(inFlight.next()).rejects.toMatchObject({ failure: 'cancelled' });
    await expect(provider.complete(requestOf('hi'))).rejects.toMatchObject({
      failure: 'cancelled',
    });
  });
});

describe('before a request is sent', () => {
  const whole = sse([piece({ content: 'a' }), stop, usage(), DONE]);

  it('a prompt that leaves no room is refused', async () => {
    const server = await startLoopback({
      '/v1/models': vllmModels,
      '/tokenize': json({ count: 400, max_model_len: 400, tokens: [] }),
      [CHAT]: whole,
    });
    await expect(open(server.url).complete(requestOf('x'.repeat(300)))).rejects.toMatchObject({
      failure: 'context-too-long',
      hint: expect.stringContaining('Shorten'),
    });
    expect(server.bodiesOf(CHAT)).toEqual([]);
  });

  it('the answer is cut to the room that is left', async () => {
    const server = await startLoopback({
      '/v1/models': vllmModels,
      '/tokenize': json({ count: 390 }),
      [CHAT]: whole,
    });
    await open(server.url).complete(requestOf('x'.repeat(300), 64));
    expect(server.bodiesOf(CHAT)).toMatchObject([{ max_tokens: 10 }]);
  });

  it('a prompt that surely fits is not counted', async () => {
    const server = await startLoopback({ '/v1/models': vllmModels, [CHAT]: whole });
    await open(server.url).complete(requestOf('hi'));
    expect(server.asked).not.toContain('POST /tokenize');
  });

  it('llama-server counts by its template, and is told what to keep of a prompt', async () => {
    const server = await startLoopback({
      '/v1/models': json({ data: [{ id: '/models/m.gguf', owned_by: 'llamacpp' }] }),
      '/props': json({ total_slots: 3, default_generation_settings: { n_ctx: 300 } }),
      '/apply-template': json({ prompt: '<user>hi' }),
      '/tokenize': json({ tokens: Array.from({ length: 20 }, (_, i) => i) }),
      [CHAT]: whole,
    });
    const provider = open(server.url, { cachePrompt: false });
    await provider.complete(requestOf('hi', 290));
    expect(server.bodiesOf(CHAT)).toMatchObject([
      { model: '/models/m.gguf', max_tokens: 280, cache_prompt: false },
    ]);
    expect(await provider.metadata()).toMatchObject({ contextTokens: 300, concurrency: 3 });
  });

  it('no connection is used again after a stream of llama-server, which closes it unannounced', async () => {
    const connections = async (owner: string): Promise<string[]> => {
      const seen: string[] = [];
      const server = await startLoopback({
        '/v1/models': json({ data: [{ id: 'm', owned_by: owner }] }),
        [CHAT]: (response, body, request) => {
          seen.push(request.headers.connection ?? '');
          whole(response, body, request);
        },
      });
      const provider = open(server.url);
      await provider.complete(requestOf('hi'));
      await provider.complete(requestOf('again'));
      return seen;
    };
    expect(await connections('llamacpp')).toEqual(['close', 'close']);
    expect(await connections('vllm')).toEqual(['keep-alive', 'keep-alive']);
  });

  it('a model that is not served is named, with those that are', async () => {
    const server = await startLoopback({ '/v1/models': vllmModels, [CHAT]: whole });
    const provider = open(server.url, { model: 'other' });
    await expect(provider.complete(requestOf('hi'))).rejects.toMatchObject({
      failure: 'model-missing',
      hint: 'It serves m.',
    });
    expect(await provider.health()).toMatchObject({ state: 'unavailable', hint: 'It serves m.' });
  });

  it('an adapter loaded meanwhile is found', async () => {
    const ids = ['m'];
    const server = await startLoopback({
      '/v1/models': (response, body, request) =>
        json({ data: ids.map((id) => ({ id, owned_by: 'vllm' })) })(response, body, request),
      [CHAT]: whole,
    });
    const provider = open(server.url, { model: 'style' });
    await expect(provider.complete(requestOf('hi'))).rejects.toMatchObject({
      failure: 'model-missing',
    });
    ids.push('style');
    expect((await provider.complete(requestOf('hi'))).text).toBe('a');
  });
});

describe('embeddings', () => {
  it('come in the order of the texts', async () => {
    const server = await startLoopback({
      '/v1/embeddings': json({
        data: [
          { index: 1, embedding: [2] },
          { index: 0, embedding: [1] },
        ],
      }),
    });
    expect(await open(server.url).embed(['a', 'b'])).toEqual([[1], [2]]);
    await expect(open(server.url).embed(['a'])).rejects.toMatchObject({ failure: 'malformed' });
    expect(await open(server.url).embed([])).toEqual([]);
  });

  it('are unsupported where there are none', async () => {
    const server = await startLoopback({});
    await expect(open(server.url).embed(['a'])).rejects.toMatchObject({ failure: 'unsupported' });
  });
});
