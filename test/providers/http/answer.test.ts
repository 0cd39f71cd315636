import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import { streamAnswer, type AnswerPart } from '../../../src/providers/http/answer.ts';
import { watchDeadlines } from '../../../src/providers/http/deadlines.ts';
import { createHttpClient } from '../../../src/providers/http/http-client.ts';
import { deadlines, lines, readAll, requestOf, startLoopback, systemClock } from './loopback.ts';

/** A clock that a test sets: a sleep ends when the time has come. */
function manualClock(): Clock & { advance: (ms: number) => Promise<void> } {
  let now = 0;
  let sleepers: { until: number; wake: () => void }[] = [];
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const fail = (): void => reject(new Error('aborted'));
        if (signal?.aborted === true) return fail();
        signal?.addEventListener('abort', fail);
        sleepers.push({ until: now + ms, wake: resolve });
      }),
    async advance(ms) {
      now += ms;
      const due = sleepers.filter(({ until }) => until <= now);
      sleepers = sleepers.filter(({ until }) => until > now);
      for (const { wake } of due) wake();
      await sleep(0);
    },
  };
}

describe('the watch over a call', () => {
  const limits = { firstTokenMs: 300, idleMs: 100, totalMs: 1000 };

  it('ends it when no first token comes, though a pause may be shorter', async () => {
    const clock = manualClock();
    const { signal } = watchDeadlines({ deadlines: limits, clock });
    for (let i = 0; i < 2; i++) await clock.advance(100);
    await clock.advance(99);
    expect(signal.aborted).toBe(false);
    await clock.advance(1);
    expect(signal.reason).toMatchObject({ failure: 'first-token-timeout' });
  });

  it('counts a pause from the last piece', async () => {
    const clock = manualClock();
    const watch = watchDeadlines({ deadlines: limits, clock });
    await clock.advance(90);
    watch.progress();
    await clock.advance(99);
    expect(watch.signal.aborted).toBe(false);
    await clock.advance(1);
    expect(watch.signal.reason).toMatchObject({ failure: 'timeout' });
  });

  it("does not count the caller's own time as a pause, but within the total", async () => {
    const clock = manualClock();
    const watch = watchDeadlines({ deadlines: limits, clock });
    watch.progress();
    watch.hold();
    for (let i = 0; i < 9; i++) await clock.advance(100);
    expect(watch.signal.aborted).toBe(false);
    await clock.advance(100);
    expect(watch.signal.reason).toMatchObject({ failure: 'timeout' });
  });

  it('says nothing after its end', async () => {
    const clock = manualClock();
    const controller = new AbortController();
    const watch = watchDeadlines({ deadlines: limits, clock, signal: controller.signal });
    watch.end();
    controller.abort();
    await clock.advance(1000);
    expect(watch.signal.aborted).toBe(false);
  });
});

describe('an answer', () => {
  const of = (...parts: AnswerPart[]): (() => Promise<AsyncIterable<AnswerPart[]>>) =>
    async function ask() {
      return (async function* pieces() {
        yield parts;
      })();
    };

  it('counts usage once, however often it is told', async () => {
    const ask = of(
      { type: 'usage', usage: { inputTokens: 1 } },
      { type: 'text', text: 'a' },
      { type: 'usage', usage: { inputTokens: 2 } },
      { type: 'end', finishReason: 'stop' },
    );
    const stream = streamAnswer({
      model: 'm',
      request: requestOf('hi'),
      deadlines,
      clock: systemClock,
      ask,
    });
    expect((await readAll(stream)).completion?.usage).toEqual({ inputTokens: 2 });
  });

  it('without an end is truncated, and tells what was used until then', async () => {
    const ask = of({ type: 'usage', usage: { inputTokens: 7 } }, { type: 'text', text: 'a' });
    const stream = streamAnswer({
      model: 'm',
      request: requestOf('hi'),
      deadlines,
      clock: systemClock,
      ask,
    });
    await expect(readAll(stream)).rejects.toMatchObject({
      failure: 'truncated-stream',
      usage: { inputTokens: 7 },
    });
  });
});

describe('a stream', () => {
  it('that is left early closes its connection', async () => {
    let tellClosed = (): void => {};
    const closed = new Promise<void>((resolve) => {
      tellClosed = resolve;
    });
    const server = await startLoopback({
      '/x': (response, body, request) => {
        response.on('close', tellClosed);
        lines('text/plain', ['a'], 'open')(response, body, request);
      },
    });
    const client = createHttpClient({ url: server.url, connectMs: 5000 });
    const { signal } = new AbortController();
    for await (const bytes of await client.openStream({ path: '/x', signal }, 'text/plain')) {
      expect(bytes).toEqual(Buffer.from('a'));
      break;
    }
    await closed;
    await client.close();
    await client.close();
  });
});
