import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import type { ConfigFile } from '../../src/config/schema.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { RouteRequest } from '../../src/routing/decision.ts';
import type { RouteEvent, Router } from '../../src/routing/router.ts';
import type { RouterEvent } from '../../src/routing/walk.ts';
import { createRuntime } from '../../src/runtime.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { startModelServer, type ModelServer } from './model-server.ts';

interface Opened {
  router: Router;
  ledger: Ledger;
  events: RouterEvent[];
  near: ModelServer;
  second: ModelServer;
  cloud: ModelServer;
  /** Purpose, target, outcome, agent, session, input tokens and billionths of a dollar of each attempt. */
  attempts: () => unknown[];
}

/** A router in front of three servers, one for each tier. */
async function open(routing: ConfigFile['routing'] = {}): Promise<Opened> {
  const folder = mkdtempSync(path.join(tmpdir(), 'aqe-walk-'));
  const near = await startModelServer('near');
  const second = await startModelServer('second');
  const cloud = await startModelServer('cloud');
  const server = (url: string): { kind: 'openai-compatible'; url: string } => ({
    kind: 'openai-compatible',
    url,
  });
  const config: ConfigFile = {
    servers: { near: server(near.url), second: server(second.url), cloud: server(cloud.url) },
    tiers: { orchestrated: 'near:m', direct: 'second:m', cloud: 'cloud:m' },
    breaker: { failures: 100 },
    routing,
  };
  writeFileSync(path.join(folder, 'aqe-llm.config.json'), JSON.stringify(config));
  const runtime = await createRuntime({ cwd: folder, env: {}, flags: {} });
  const events: RouterEvent[] = [];
  const router = await runtime.openRouter({ onEvent: (event) => events.push(event) });
  const ledger = runtime.openLedger();
  const database = openDatabase(path.join(folder, '.aqe-llm'));
  const attempts = (): unknown[] =>
    database
      .prepare(
        `SELECT purpose, target, outcome, agent, session, input_tokens, nano_usd
         FROM attempts JOIN attempt_kinds k ON k.id = kind ORDER BY at, request_id`,
      )
      .raw()
      .all();
  onTestFinished(async () => {
    await router.close();
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { router, ledger, events, near, second, cloud, attempts };
}

const hello = (more: Partial<RouteRequest> = {}): RouteRequest => ({
  messages: [{ role: 'user', content: 'Say hello' }],
  ...more,
});

async function read(
  stream: AsyncIterable<RouteEvent>,
): Promise<{ events: RouteEvent[]; text: string; error?: unknown }> {
  const events: RouteEvent[] = [];
  let text = '';
  try {
    for await (const event of stream) {
      events.push(event);
      if (event.type === 'text') text += event.text;
    }
  } catch (error) {
    return { events, text, error };
  }
  return { events, text };
}

describe('the walk', () => {
  it('answers, and records what was decided, tried and used', async () => {
    const { router, ledger } = await open({ strategy: 'privacy-first' });
    const answer = await router.complete(hello({ agent: 'qe-test-generator' }));
    expect(answer.completion.text).toMatch(/^(near|second): Say hello$/);
    expect(answer.attempts).toBe(1);
    expect(answer.usd).toBe(0);
    const record = ledger.find(answer.requestId);
    expect(record).toMatchObject({
      state: 'answered',
      agent: 'qe-test-generator',
      policy: answer.decision.policy,
      target: answer.target,
      ending: { answeredTarget: answer.target },
      attempts: [{ outcome: 'ok', target: answer.target }],
      usage: { inputTokens: 10 },
      usd: 0,
    });
    expect(record?.decision).toEqual(JSON.parse(JSON.stringify(answer.decision)));
  });

  it('streams: decided, committed, text, finished', async () => {
    const { router } = await open();
    const { events, text } = await read(router.stream(hello({ model: 'second:m' })));
    expect(events.map(({ type }) => type)).toEqual([
      'decided',
      'committed',
      ...Array.from({ length: 3 }, () => 'text'),
      'finished',
    ]);
    expect(text).toBe('second: Say hello');
  });

  it('goes down the ladder until somebody answers, and records each attempt', async () => {
    const { router, ledger, near, second, cloud } = await open();
    near.mood = 'missing';
    second.mood = 'missing';
    const answer = await router.complete(hello());
    expect(answer).toMatchObject({ tier: 'cloud', target: 'cloud:m', attempts: 3 });
    expect(answer.usd).toBeUndefined();
    expect(cloud.chats).toHaveLength(1);
    const attempts = ledger.find(answer.requestId)?.attempts ?? [];
    expect(attempts.map(({ outcome }) => outcome)).toEqual([
      'model-missing',
      'model-missing',
      'ok',
    ]);
    expect(attempts.map(({ purpose }) => purpose)).toEqual(['answer', 'retry', 'retry']);
    expect(attempts.map(({ selfHosted }) => selfHosted)).toEqual([true, true, false]);
    expect(attempts.map(({ priceVersion }) => priceVersion)).toEqual([
      'self-hosted',
      'self-hosted',
      undefined,
    ]);
  });

  it('asks nobody else once a streamed answer has begun, but for a whole answer it does', async () => {
    const { router, near, second, cloud } = await open();
    near.mood = 'cut';
    second.mood = 'cut';
    cloud.mood = 'cut';
    const broken = await read(router.stream(hello()));
    expect(broken.events.map(({ type }) => type)).toEqual(['decided', 'committed', 'text']);
    expect(broken.error).toMatchObject({ code: 'provider.truncated-stream' });
    cloud.mood = 'well';
    const whole = await router.complete(hello());
    expect(whole.completion.text).toBe('cloud: Say hello');
  });

  it('asks the next one where the first token is late', async () => {
    const { router, near, second } = await open({ failoverMs: 200 });
    near.mood = 'hang';
    second.mood = 'hang';
    const { text, events } = await read(router.stream(hello()));
    expect(text).toBe('cloud: Say hello');
    expect(events.find(({ type }) => type === 'committed')).toMatchObject({ attempts: 3 });
  });

  it('hedges where it is told to', async () => {
    const { router, near, second } = await open({ hedgeMs: 100, failoverMs: 60_000 });
    near.mood = 'hang';
    second.mood = 'hang';
    // Two at once at most: the third is never asked.
    const calling = new AbortController();
    const answer = router.complete(hello(), { signal: calling.signal }).catch(() => 'cancelled');
    await expect.poll(() => near.chats.length + second.chats.length, { timeout: 5000 }).toBe(2);
    calling.abort();
    expect(await answer).toBe('cancelled');
  });

  it('ends a stream that its caller leaves, and keeps what came', async () => {
    const { router, ledger, near, second, cloud } = await open();
    for (const server of [near, second, cloud]) server.mood = 'hang';
    const calling = new AbortController();
    setTimeout(() => calling.abort(), 100);
    const { events } = await read(router.stream(hello(), { signal: calling.signal }));
    const last = events.at(-1);
    if (last?.type !== 'finished') throw new Error('no end');
    expect(last.answer.completion.finishReason).toBe('cancelled');
    expect(ledger.find(last.answer.requestId)?.state).toBe('cancelled');
  });

  it('raises an event when the cloud helps out in an emergency, and only then', async () => {
    const { router, ledger, events, near, second, cloud } = await open({ cloud: 'emergency-only' });
    await router.complete(hello());
    expect(cloud.connections()).toBe(0);
    near.mood = 'failing';
    second.mood = 'failing';
    let answer: Awaited<ReturnType<Router['complete']>> | undefined;
    for (let turn = 0; turn < 3 && answer === undefined; turn += 1) {
      answer = await router.complete(hello()).catch(() => undefined);
    }
    expect(answer?.target).toBe('cloud:m');
    const raised = { type: 'emergency', trigger: 'local-failures', target: 'cloud:m' };
    expect(events).toContainEqual(expect.objectContaining(raised));
    expect(ledger.events(0)).toContainEqual(
      expect.objectContaining({ kind: 'emergency', requestId: answer?.requestId }),
    );
  });

  it('keeps a conversation', async () => {
    const { router, second } = await open();
    const ask = (content: string): Promise<unknown> =>
      router.complete(
        hello({ messages: [{ role: 'user', content }], session: 's', model: 'second:m' }),
      );
    await ask('one');
    await ask('two');
    expect(second.chats[1]?.map(({ content }) => content)).toEqual(['one', 'second: one', 'two']);
  });

  it('keeps a conversation private that once was', async () => {
    const { router, near, second, cloud } = await open();
    const ask = (content: string, more: Partial<RouteRequest>): Promise<unknown> =>
      router.complete(hello({ messages: [{ role: 'user', content }], session: 's', ...more }));
    await ask('a secret', { private: true });
    near.mood = 'missing';
    second.mood = 'missing';
    await expect(ask('and now?', {})).rejects.toMatchObject({ code: 'provider.model-missing' });
    expect(cloud.connections()).toBe(0);
    const elsewhere = await router.complete(hello({ session: 'another' }));
    expect(elsewhere.tier).toBe('cloud');
  });

  it('explains without sending or recording', async () => {
    const { router, ledger, near, second, cloud } = await open();
    const decision = await router.explain(hello());
    expect(decision.ladder.length).toBeGreaterThan(1);
    expect(near.chats.length + second.chats.length + cloud.chats.length).toBe(0);
    expect(ledger.history({ limit: 10 })).toEqual([]);
  });

  it('embeds, and records what that used, where there are embeddings', async () => {
    const { router, near, attempts } = await open();
    near.mood = 'failing';
    expect(await router.embed(['a'], { model: 'second:m', agent: 'qe-x', session: 's' })).toEqual({
      target: 'second:m',
      vectors: [[1, 0]],
      usage: { inputTokens: 3, outputTokens: 0 },
    });
    await expect(router.embed(['a'], { model: 'near:m' })).rejects.toThrow();
    expect(attempts()).toEqual([['embedding', 'second:m', 'ok', 'qe-x', 's', 3, 0]]);
  });

  it('lists what the tiers have', async () => {
    const { router } = await open();
    expect((await router.models()).map(({ id }) => id)).toEqual(['near:m', 'second:m', 'cloud:m']);
  });

  it('finishes what runs before it closes, and takes nothing more', async () => {
    const { router } = await open();
    const answer = router.complete(hello());
    await router.close();
    await expect(answer).resolves.toMatchObject({ attempts: 1 });
    await expect(router.complete(hello())).rejects.toMatchObject({ code: 'route.closed' });
  });
});
