import { describe, expect, it } from 'vitest';
import {
  createOllamaProvider,
  type OllamaOptions,
} from '../../../src/providers/ollama/ollama-provider.ts';
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

const CHAT = '/api/chat';

function open(url: string, more: Partial<OllamaOptions> = {}): Provider {
  const options = { id: 'ollama:m', model: 'm', url, deadlines, clock: systemClock, ...more };
  return opened(createOllamaProvider(options));
}

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;
const piece = (message: object): string =>
  line({ message: { role: 'assistant', ...message }, done: false });
const done = (more: object = {}): string =>
  line({ message: { content: '' }, done: true, done_reason: 'stop', ...more });
const ndjson = (written: string[], end?: 'whole' | 'open' | 'broken') =>
  lines('application/x-ndjson', written, end);
const whole = ndjson([piece({ content: 'a' }), done({ prompt_eval_count: 5, eval_count: 1 })]);

const show = (contextTokens: number) =>
  json({
    details: { parameter_size: '135M', quantization_level: 'Q4_1' },
    model_info: { 'general.architecture': 'llama', 'llama.context_length': contextTokens },
    capabilities: ['completion'],
  });

describe('an answer', () => {
  it('is put together from the stream, thoughts apart', async () => {
    const server = await startLoopback({
      [CHAT]: ndjson([
        piece({ thinking: 'Hm.' }),
        piece({ content: 'Grüß' }),
        piece({ content: ' Gott' }),
        done({ done_reason: 'length', prompt_eval_count: 5, eval_count: 2 }),
      ]),
    });
    const provider = open(server.url, { keepAlive: '10m' });
    const { texts, completion } = await readAll(provider.stream(requestOf('hi')));
    expect(texts).toEqual(['Hm.', 'Grüß', ' Gott']);
    expect(completion).toMatchObject({
      text: 'Grüß Gott',
      thinking: 'Hm.',
      finishReason: 'length',
      usage: { inputTokens: 5, outputTokens: 2 },
    });
    expect(server.bodiesOf(CHAT)).toMatchObject([
      { model: 'm', keep_alive: '10m', options: { seed: 1, temperature: 0, num_predict: 8 } },
    ]);
  });

  it('leaves absent what is not told; no token at all is zero, as Ollama leaves zeros out', async () => {
    const server = await startLoopback({
      [CHAT]: ndjson([piece({ content: 'a' }), done()]),
      '/empty/api/chat': ndjson([done()]),
    });
    expect((await open(server.url).complete(requestOf('hi'))).usage).toEqual({});
    const empty = open(`${server.url}/empty`);
    expect((await empty.complete(requestOf('hi'))).usage).toEqual({ outputTokens: 0 });
  });
});

describe('a failure', () => {
  const cases: [string, string, Parameters<typeof startLoopback>[0][string]][] = [
    ['a stream without its end mark', 'truncated-stream', ndjson([piece({ content: 'a' })])],
    [
      'an end mark that is cut',
      'truncated-stream',
      ndjson([piece({ content: 'a' }), '{"done":tr']),
    ],
    ['a stream that breaks', 'truncated-stream', ndjson([piece({ content: 'a' })], 'broken')],
    ['a line that is no JSON', 'malformed', ndjson(['{"message":\n', done()])],
    ['another content type', 'malformed', lines('text/plain', ['hello'])],
    [
      'an error in the stream',
      'engine-crashed',
      ndjson([piece({ content: 'a' }), line({ error: 'llama runner process has terminated' })]),
    ],
    ['a full queue', 'overloaded', json({ error: 'server busy, please try again' }, 503)],
    [
      'a prompt the server finds too long',
      'context-too-long',
      json({ error: 'the input length exceeds the context length' }, 400),
    ],
  ];
  it.each(cases)('%s is %s', async (_name, failure, answer) => {
    const server = await startLoopback({ [CHAT]: answer });
    await expect(open(server.url).complete(requestOf('hi'))).rejects.toMatchObject({ failure });
    expect(server.bodiesOf(CHAT)).toHaveLength(1);
  });

  it('for want of the model tells how to get it', async () => {
    const missing = json({ error: "model 'm' not found" }, 404);
    const server = await startLoopback({ '/api/show': missing, [CHAT]: missing });
    const provider = open(server.url);
    const hint = 'Run `ollama pull m`.';
    await expect(provider.complete(requestOf('hi'))).rejects.toMatchObject({
      failure: 'model-missing',
      hint,
    });
    expect(await provider.health()).toMatchObject({ state: 'unavailable', hint });
  });
});

describe('the context asked for', () => {
  const contextOf = async (
    answers: Parameters<typeof startLoopback>[0],
    prompts: number[],
    more: Partial<OllamaOptions> = {},
  ): Promise<unknown[]> => {
    const server = await startLoopback({ [CHAT]: whole, '/api/show': show(32_768), ...answers });
    const provider = open(server.url, more);
    for (const bytes of prompts) await provider.complete(requestOf('x'.repeat(bytes)));
    return server.bodiesOf(CHAT);
  };
  const ps = (context_length: number) => json({ models: [{ name: 'm:latest', context_length }] });
  const asks = (num_ctx: number): unknown => ({
    options: { num_ctx },
    truncate: false,
    shift: false,
  });

  it('is what is loaded where that suffices, so that nothing is loaded anew', async () => {
    expect(await contextOf({ '/api/ps': ps(6000) }, [100])).toMatchObject([asks(6000)]);
  });

  it('grows by powers of two, and does not shrink', async () => {
    expect(await contextOf({ '/api/ps': ps(2048) }, [100, 5000, 100])).toMatchObject([
      asks(2048),
      asks(8192),
      asks(8192),
    ]);
    expect(await contextOf({}, [100])).toMatchObject([asks(4096)]);
  });

  it('is the configured one, and no more than the model has', async () => {
    expect(await contextOf({}, [100], { contextTokens: 1024 })).toMatchObject([asks(1024)]);
    const small = { '/api/show': show(512) };
    expect(await contextOf(small, [100], { contextTokens: 1024 })).toMatchObject([asks(512)]);
  });

  it('is not trusted to a server that cuts long prompts', async () => {
    const server = await startLoopback({ [CHAT]: json({ done: true }), '/api/show': show(4096) });
    await expect(open(server.url).complete(requestOf('x'.repeat(5000)))).rejects.toMatchObject({
      failure: 'context-too-long',
      hint: expect.stringContaining('contextTokens'),
    });
    // The one request was to find out.
    expect(server.bodiesOf(CHAT)).toMatchObject([{ stream: false, options: { num_predict: 1 } }]);
  });

  it('is left to a server that refuses them itself', async () => {
    const refusal = json({ error: 'the input length exceeds the context length' }, 400);
    const server = await startLoopback({
      '/api/show': show(4096),
      [CHAT]: (response, body, request) => {
        const isProbe = server.bodiesOf(CHAT).length === 1;
        return (isProbe ? refusal : whole)(response, body, request);
      },
    });
    expect((await open(server.url).complete(requestOf('x'.repeat(5000)))).text).toBe('a');
  });
});

describe('embeddings', () => {
  it('come from the newer address, or one by one from the older', async () => {
    const newer = await startLoopback({ '/api/embed': json({ embeddings: [[1], [2]] }) });
    expect(await open(newer.url).embed(['a', 'b'])).toEqual([[1], [2]]);
    const older = await startLoopback({ '/api/embeddings': json({ embedding: [3] }) });
    expect(await open(older.url).embed(['a', 'b'])).toEqual([[3], [3]]);
  });
});

it('tells what the model is', async () => {
  const server = await startLoopback({
    '/api/show': show(8192),
    '/api/version': json({ version: '0.17.4' }),
  });
  expect(await open(server.url, { contextTokens: 4096 }).metadata()).toEqual({
    id: 'ollama:m',
    model: 'm',
    contextTokens: 4096,
    versions: {
      ollama: '0.17.4',
      parameters: '135M',
      quantisation: 'Q4_1',
      capabilities: 'completion',
    },
    concurrency: 1,
    replayed: false,
  });
});
