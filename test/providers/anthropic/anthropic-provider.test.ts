import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { CompletionRequest } from '../../../src/core/request.ts';
import { createAnthropicProvider } from '../../../src/providers/anthropic/anthropic-provider.ts';
import type { AnthropicProviderOptions } from '../../../src/providers/anthropic/anthropic-provider.ts';
import { ProviderFailure } from '../../../src/providers/failure.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import {
  ANTHROPIC_KEY,
  ANTHROPIC_MODEL,
  startAnthropicServer,
  WILFUL_MODEL,
  type AnthropicServer,
} from '../../contracts/anthropic-server.ts';
import { listen, type Listening } from '../../contracts/loopback.ts';
import { machineClock } from '../embedded/processes.ts';

const open = new Set<{ shutdown(): Promise<void> }>();
afterEach(async () => {
  await Promise.all([...open].map((provider) => provider.shutdown()));
  open.clear();
});

function newProvider(url: string, options: Partial<AnthropicProviderOptions> = {}): Provider {
  const provider = createAnthropicProvider({
    id: 'anthropic:claude',
    model: ANTHROPIC_MODEL,
    url,
    apiKey: ANTHROPIC_KEY,
    deadlines: { connectMs: 2000, firstTokenMs: 5000, idleMs: 5000, totalMs: 20_000 },
    clock: machineClock,
    ...options,
  });
  open.add(provider);
  return provider;
}

function ask(content: string, options: Partial<CompletionRequest> = {}): CompletionRequest {
  const messages = [{ role: 'user' as const, content }];
  return { messages, maxTokens: 40, temperature: 0, seed: 7, repeat: 0, ...options };
}

async function failureOf(call: Promise<unknown>): Promise<ProviderFailure> {
  const thrown: unknown = await call.catch((error: unknown) => error);
  if (thrown instanceof ProviderFailure) return thrown;
  throw new Error('The call did not fail as a provider does', { cause: thrown });
}

describe('requests', () => {
  let server: AnthropicServer;
  beforeAll(async () => {
    server = await startAnthropicServer();
  });
  afterAll(() => server.close());

  const LONG = 'word '.repeat(1100);

  it('caches a long system prompt and a long conversation to its end, and counts what was cached', async () => {
    const provider = newProvider(server.url);
    const request = ask('', {
      messages: [
        { role: 'system', content: LONG },
        { role: 'user', content: `first ${LONG}` },
        { role: 'assistant', content: 'yes' },
        { role: 'user', content: `second ${LONG}` },
        { role: 'assistant', content: 'yes' },
        { role: 'user', content: 'third' },
      ],
    });
    const { usage: fresh } = await provider.complete(request);
    const { usage: again } = await provider.complete(request);
    expect(fresh).toMatchObject({ cachedInputTokens: 0 });
    expect(again.cachedInputTokens).toBe(1100 + 1101 + 1 + 1101 + 1 + 1);
    expect(again.inputTokens).toBe(fresh.inputTokens);

    const { system, messages } = server.requests.at(-1) ?? {};
    const cached = { type: 'text', cache_control: { type: 'ephemeral' } };
    expect(system).toMatchObject([cached]);
    const marked = messages?.map(({ content }) => typeof content === 'object');
    expect(marked).toEqual([false, false, false, false, true]);
  });

  it('pays for no caching of a long prompt that comes once', async () => {
    await newProvider(server.url).complete(ask(LONG));
    expect(server.requests.at(-1)).toMatchObject({ messages: [{ role: 'user', content: LONG }] });
  });

  it('asks for no caching of what is short', async () => {
    const messages = [
      { role: 'system', content: 'Be short.' },
      { role: 'user', content: 'Hello' },
    ] as const;
    await newProvider(server.url).complete(ask('', { messages }));
    expect(server.requests.at(-1)).toMatchObject({
      system: 'Be short.',
      messages: [{ role: 'user', content: 'Hello' }],
    });
  });

  it('leaves the default temperature out, and says what to do where another is refused', async () => {
    const provider = newProvider(server.url, { model: WILFUL_MODEL });
    await provider.complete(ask('Hello', { temperature: 1 }));
    expect(server.requests.at(-1)).not.toHaveProperty('temperature');
    const before = server.requests.length;
    const failure = await failureOf(provider.complete(ask('Hello', { temperature: 0.2 })));
    expect(failure.failure).toBe('bad-request');
    expect(failure.hint).toMatch(/temperature/);
    expect(server.requests.length, 'nothing is tried again').toBe(before + 1);
  });

  it('tells a missing key from a wrong one, and repeats neither', async () => {
    const missing = await failureOf(newProvider(server.url, { apiKey: '' }).complete(ask('Hello')));
    expect(missing.failure).toBe('auth');
    const wrong = newProvider(server.url, { apiKey: 'sk-ant-wrong-987654' });
    const refused = await failureOf(wrong.complete(ask('Hello')));
    expect(refused.failure).toBe('auth');
    expect(JSON.stringify([refused, refused.message, refused.hint])).not.toContain('987654');
    expect(await wrong.health()).toMatchObject({ state: 'unavailable' });
  });
});

describe('answers of a server that is not well', () => {
  const listening = new Set<Listening>();
  afterEach(async () => {
    await Promise.all([...listening].map((server) => server.close()));
    listening.clear();
  });

  async function against(
    listener: RequestListener,
    options: Partial<AnthropicProviderOptions> = {},
  ): Promise<Provider> {
    const server = await listen(createServer(listener));
    listening.add(server);
    return newProvider(server.url, options);
  }

  const errorBody = (type: string, message = 'no', details?: unknown): string =>
    JSON.stringify({ type: 'error', error: { type, message, details } });

  it.each([
    [529, {}, errorBody('overloaded_error'), 'overloaded', undefined],
    [429, { 'retry-after': '7' }, errorBody('rate_limit_error'), 'rate-limited', 7000],
    [
      429,
      {},
      errorBody('rate_limit_error', 'no', { error_code: 'enforced_spend_limit_reached' }),
      'spend-limit',
      undefined,
    ],
    [401, {}, errorBody('authentication_error'), 'auth', undefined],
    [404, {}, errorBody('not_found_error', 'model: claude-x'), 'model-missing', undefined],
    [413, {}, errorBody('request_too_large'), 'context-too-long', undefined],
    [
      400,
      {},
      errorBody('invalid_request_error', 'prompt is too long: 9 tokens > 8 maximum'),
      'context-too-long',
      undefined,
    ],
    [500, {}, '<html>Bad gateway</html>', 'overloaded', undefined],
    [200, {}, errorBody('overloaded_error'), 'overloaded', undefined],
    [200, {}, '<html>Welcome</html>', 'malformed', undefined],
  ])('classifies %i %j %s', async (status, headers, body, failure, retryAfterMs) => {
    let calls = 0;
    const provider = await against((_request, response) => {
      calls += 1;
      response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
    });
    const thrown = await failureOf(provider.complete(ask('Hello')));
    expect(thrown).toMatchObject({ failure, retryAfterMs });
    expect(calls).toBe(1);
  });

  const START = {
    type: 'message_start',
    message: {
      model: 'claude-x',
      usage: { input_tokens: 3, cache_read_input_tokens: null, output_tokens: 1 },
    },
  };
  const piece = (delta: object): object => ({ type: 'content_block_delta', index: 0, delta });
  const TEXT = piece({ type: 'text_delta', text: 'Hi' });
  const END = [
    { type: 'message_delta', delta: { stop_reason: 'max_tokens' }, usage: { output_tokens: 5 } },
    { type: 'message_stop' },
  ];

  const streaming =
    (
      events: readonly (object | string)[],
      end: 'end' | 'reset' | 'hang' = 'end',
    ): RequestListener =>
    (_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      for (const event of events) {
        const data = typeof event === 'string' ? event : JSON.stringify(event);
        const name = typeof event === 'object' && 'type' in event ? event.type : 'message_delta';
        response.write(`event: ${String(name)}\ndata: ${data}\n\n`);
      }
      if (end === 'end') response.end();
      if (end === 'reset') setTimeout(() => response.destroy(), 50);
    };

  it('keeps thinking apart, reads over what it does not know, and adds no usage of its own', async () => {
    const provider = await against(
      streaming([
        START,
        { type: 'something_new', value: 1 },
        piece({ type: 'thinking_delta', thinking: 'Hm.' }),
        piece({ type: 'signature_delta', signature: 'x' }),
        TEXT,
        ...END,
      ]),
    );
    expect(await provider.complete(ask('Hello'))).toMatchObject({
      text: 'Hi',
      thinking: 'Hm.',
      finishReason: 'length',
      usage: { inputTokens: 3, outputTokens: 5 },
    });
    const { usage } = await provider.complete(ask('Hello'));
    expect(usage).not.toHaveProperty('cachedInputTokens');
  });

  it.each([
    ['ends without its end mark', [START, TEXT], 'end', 'truncated-stream'],
    ['breaks', [START, TEXT], 'reset', 'truncated-stream'],
    ['holds no JSON', [START, '{"type"'], 'end', 'malformed'],
    ['breaks a promise', [START, { type: 'content_block_delta', delta: 7 }], 'end', 'malformed'],
    [
      'tells of an error',
      [START, { type: 'error', error: { type: 'overloaded_error', message: 'no' } }],
      'end',
      'overloaded',
    ],
    ['stands still', [START, TEXT], 'hang', 'timeout'],
    ['never begins', [START], 'hang', 'first-token-timeout'],
  ] as const)('fails when a stream %s', async (_what, events, end, failure) => {
    const deadlines = { connectMs: 2000, firstTokenMs: 400, idleMs: 200, totalMs: 5000 };
    const provider = await against(streaming(events, end), { deadlines });
    expect(await failureOf(provider.complete(ask('Hello')))).toMatchObject({ failure });
  });

  it('fails when the whole answer takes too long', async () => {
    const deadlines = { connectMs: 2000, firstTokenMs: 5000, idleMs: 5000, totalMs: 300 };
    const provider = await against(streaming([START, TEXT], 'hang'), { deadlines });
    expect(await failureOf(provider.complete(ask('Hello')))).toMatchObject({ failure: 'timeout' });
  });

  it('uses a connection again', async () => {
    const sockets = new Set<unknown>();
    const answer = streaming([START, TEXT, ...END]);
    const provider = await against((request, response) => {
      sockets.add(request.socket);
      answer(request, response);
    });
    for (let call = 0; call < 3; call += 1) {
      await provider.complete(ask('Hello'));
      // The end of the stream arrives behind its end mark.
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(sockets.size).toBe(1);
  });
});
