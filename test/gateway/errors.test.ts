import { describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import { ProviderFailure } from '../../src/providers/failure.ts';
import { hold } from './scripted-router.ts';
import { withGateway } from './with-gateway.ts';

const ASK = { model: 'auto', max_tokens: 9, messages: [{ role: 'user', content: 'Hi' }] };
/** One address of each dialect, and how its errors look. */
const DIALECTS = [
  {
    path: '/v1/chat/completions',
    shape: (code: string) => ({ error: { code, message: expect.any(String) } }),
  },
  {
    path: '/v1/messages',
    shape: (code: string) => ({
      type: 'error',
      error: { type: expect.stringMatching(/_error$|_too_large$/), code },
      request_id: expect.any(String),
    }),
  },
  { path: '/api/chat', shape: (code: string) => ({ error: expect.any(String), code }) },
] as const;

/** What goes wrong in the router, and the statuses for OpenAI, Anthropic and Ollama. */
const FAILURES: readonly [unknown, string, readonly [number, number, number]][] = [
  [new ProviderFailure('transport', 'x'), 'provider.transport', [502, 502, 502]],
  [new ProviderFailure('malformed', 'x'), 'provider.malformed', [502, 502, 502]],
  [new ProviderFailure('auth', 'x'), 'provider.auth', [502, 502, 502]],
  [new ProviderFailure('timeout', 'x'), 'provider.timeout', [504, 504, 504]],
  [new ProviderFailure('overloaded', 'x'), 'provider.overloaded', [503, 529, 503]],
  [new ProviderFailure('rate-limited', 'x'), 'provider.rate-limited', [429, 429, 429]],
  [new ProviderFailure('breaker-open', 'x'), 'provider.breaker-open', [503, 503, 503]],
  [new ProviderFailure('unsupported', 'x'), 'provider.unsupported', [400, 400, 400]],
  [new AppError('route.session-busy', 'x'), 'route.session-busy', [409, 409, 409]],
  [new AppError('route.session-conflict', 'x'), 'route.session-conflict', [409, 409, 409]],
  [new AppError('route.nobody', 'x'), 'route.nobody', [503, 503, 503]],
  [new AppError('storage.locked', 'x'), 'storage.locked', [503, 503, 503]],
  [new AppError('storage.read-only', 'x'), 'storage.read-only', [503, 503, 503]],
  [new AppError('storage.full', 'x'), 'storage.full', [503, 503, 503]],
  [new Error('a secret of the prompt'), 'internal', [500, 500, 500]],
];

describe.each(DIALECTS)('an error at $path', ({ path, shape }) => {
  const nth = DIALECTS.findIndex((dialect) => dialect.path === path);

  it.each(FAILURES)('tells %s as %s', async (error, code, statuses) => {
    const { post, router, url, log } = await withGateway();
    router.script = { steps: [{ error }] };
    for (const stream of [false, true]) {
      const answer = await post(path, { ...ASK, stream });
      expect(answer.status).toBe(statuses[nth]);
      const body: unknown = await answer.json();
      expect(body).toMatchObject(shape(code));
      expect(JSON.stringify(body)).not.toContain('secret');
    }
    expect((await fetch(`${url}/health`)).status).toBe(200);
    await expect.poll(() => log.map((entry) => entry.error)).toEqual([code, code, undefined]);
  });

  it('tells what is no JSON, and what is too large', async () => {
    const { post } = await withGateway({ settings: { maxBodyBytes: 4096 } });
    const broken = await post(path, '{"model": ');
    expect([broken.status, await broken.json()]).toMatchObject([400, shape('gateway.not-json')]);
    const large = await post(path, { ...ASK, padding: 'x'.repeat(10_000) });
    expect([large.status, await large.json()]).toMatchObject([
      413,
      shape('gateway.body-too-large'),
    ]);
  });

  it('names every field that is wrong', async () => {
    const { post, router } = await withGateway();
    const answer = await post(path, {
      model: 7,
      messages: [
        { role: 'user', content: 1 },
        { role: 'nobody', content: 'x' },
      ],
      stream: 'yes',
    });
    expect(answer.status).toBe(400);
    const text = await answer.text();
    for (const field of ['model:', 'messages.0.content:', 'messages.1.role:', 'stream:']) {
      expect(text).toContain(field);
    }
    expect(router.requests).toEqual([]);
  });

  it('tells that there are too many at once, and when to come again', async () => {
    const { post, router } = await withGateway({ settings: { maxInFlight: 1 } });
    const held = hold();
    router.script = { steps: [held.step, { text: 'late' }] };
    const first = post(path, { ...ASK, stream: false });
    await expect.poll(() => router.requests.length).toBe(1);
    const second = await post(path, { ...ASK, stream: false });
    expect(second.status).toBe([429, 529, 503][nth]);
    expect(second.headers.get('retry-after')).toBe('1');
    expect(await second.json()).toMatchObject(shape('gateway.busy'));
    held.release();
    expect((await first).status).toBe(200);
  });

  it('asks for the key, in constant time and either header', async () => {
    const { post, url } = await withGateway({ apiKey: 'the-key' });
    for (const headers of [
      {},
      { authorization: 'Bearer wrong' },
      { authorization: 'Basic the-key' },
      { 'x-api-key': 'the-key2' },
    ]) {
      const answer = await post(path, { ...ASK, stream: false }, headers);
      expect([answer.status, await answer.json()]).toMatchObject([401, { error: {} }]);
    }
    for (const headers of [{ authorization: 'Bearer the-key' }, { 'x-api-key': 'the-key' }]) {
      expect((await post(path, { ...ASK, stream: false }, headers)).status).toBe(200);
    }
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(`${url}/metrics`)).status).toBe(401);
  });
});

describe('the gateway', () => {
  it('keeps out pages that pretend to be this machine, or come from elsewhere', async () => {
    const { post, url } = await withGateway();
    const { port } = new URL(url);
    const foreign = await post('/v1/chat/completions', ASK, { origin: 'https://evil.example' });
    expect(foreign.status).toBe(403);
    const own = await post('/v1/chat/completions', ASK, { origin: `http://localhost:${port}` });
    expect(own.status).toBe(200);
    expect(own.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('does not begin for others without a key', async () => {
    await expect(withGateway({ settings: { host: '0.0.0.0' } })).rejects.toMatchObject({
      code: 'gateway.key-needed',
      exitCode: 2,
    });
  });

  it('tells an unknown address in the dialect of its neighbours', async () => {
    const { url } = await withGateway();
    const answers = await Promise.all(
      ['/v1/none', '/v1/messages/none', '/api/none'].map((path) => fetch(`${url}${path}`)),
    );
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    expect(await Promise.all(answers.map((answer) => answer.json()))).toMatchObject([
      { error: { code: 'gateway.unknown-route', param: null } },
      { type: 'error', error: { type: 'not_found_error' } },
      { error: 'There is no GET /api/none here.' },
    ]);
  });

  it('passes on how long a server asks to wait', async () => {
    const { post, router } = await withGateway();
    const error = new ProviderFailure('rate-limited', 'x', { retryAfterMs: 6500 });
    router.script = { steps: [{ error }] };
    const answer = await post('/v1/chat/completions', ASK);
    expect(answer.headers.get('retry-after')).toBe('7');
    expect(answer.headers.get('x-should-retry')).toBe('true');
  });

  it('keeps an id of the client and makes one otherwise', async () => {
    const { post, log } = await withGateway();
    const given = await post('/api/chat', ASK, { 'x-request-id': 'mine-1' });
    expect(given.headers.get('x-request-id')).toBe('mine-1');
    const wrong = await post('/api/chat', ASK, { 'x-request-id': 'no good' });
    expect(wrong.headers.get('x-request-id')).toMatch(/^[\da-f-]{36}$/);
    await Promise.all([given.text(), wrong.text()]);
    await expect.poll(() => log).toMatchObject([{ id: 'mine-1', requestId: 'r1' }, {}]);
  });

  it('logs neither prompts, answers, keys nor sessions', async () => {
    const { post, log } = await withGateway({ apiKey: 'the-key' });
    const headers = { 'x-api-key': 'the-key', 'x-aqe-session': 'family' };
    await (await post('/api/chat', ASK, headers)).text();
    await expect.poll(() => log.length).toBe(1);
    expect(JSON.stringify(log)).not.toMatch(/Hi|Hello|the-key|family/);
    expect(log).toMatchObject([
      {
        method: 'POST',
        route: '/api/chat',
        status: 200,
        dialect: 'ollama',
        stream: true,
        requestId: 'r1',
        tier: 'direct',
        policy: 'strategy',
        inputTokens: 12,
        outputTokens: 5,
      },
    ]);
  });

  it('is ready while there is a model', async () => {
    const { url, router } = await withGateway();
    expect((await fetch(`${url}/ready`)).status).toBe(200);
    router.list = [];
    expect((await fetch(`${url}/ready`)).status).toBe(503);
  });
});

describe('options of a request', () => {
  it('come by header or in metadata', async () => {
    const { post, router } = await withGateway();
    const metadata = {
      private: 'false',
      session: 's1',
      category: 'code-review',
      complexity: 'complex',
      priority: 'high',
      user_id: 'of no interest',
    };
    const headers = { 'x-aqe-private': 'true', 'x-aqe-agent': 'qe-test-generator' };
    expect((await post('/v1/messages', { ...ASK, metadata }, headers)).status).toBe(200);
    expect(router.requests[0]).toMatchObject({
      private: true,
      session: 's1',
      category: 'code-review',
      complexity: 'complex',
      priority: 'high',
      agent: 'qe-test-generator',
    });
  });

  it('make a request private where either does', async () => {
    const { post, router } = await withGateway();
    const metadata = { private: true };
    await post('/v1/chat/completions', { ...ASK, metadata }, { 'x-aqe-private': '0' });
    expect(router.requests[0]?.private).toBe(true);
  });

  it('are refused where they are wrong, each by name', async () => {
    const { post, router } = await withGateway();
    const metadata = { priority: 'urgent', private: 'maybe' };
    const answer = await post('/api/chat', { ...ASK, metadata }, { 'x-aqe-private': 'perhaps' });
    expect(answer.status).toBe(400);
    const text = await answer.text();
    for (const field of ['x-aqe-private:', 'metadata.priority:', 'metadata.private:']) {
      expect(text).toContain(field);
    }
    expect(router.requests).toEqual([]);
  });
});
