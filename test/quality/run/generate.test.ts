import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import type { Completion, CompletionRequest } from '../../../src/core/request.ts';
import { ProviderFailure } from '../../../src/providers/failure.ts';
import type { CallOptions, Provider, StreamEvent } from '../../../src/providers/provider.ts';
import { createReplayProvider } from '../../../src/providers/replay/provider.ts';
import { recordingKey } from '../../../src/providers/replay/recording.ts';
import { generate } from '../../../src/quality/run/generate.ts';

const REQUEST: CompletionRequest = {
  messages: [{ role: 'user', content: 'write tests' }],
  maxTokens: 100,
  temperature: 0,
  seed: 1,
  repeat: 0,
};
const clock: Clock = {
  now: () => 0,
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  },
};
const options = () => ({
  clock,
  signal: new AbortController().signal,
  onProgress: () => {},
  onAttempt: () => () => {},
});

/** A provider whose stream is the given function. */
function providerOf(
  stream: (request: CompletionRequest, options: CallOptions) => AsyncIterable<StreamEvent>,
): Provider {
  const base = createReplayProvider({ recordedId: 'x', lookUp: () => undefined, hint: '' });
  return {
    ...base,
    id: 'fake:x',
    stream: (request, callOptions) => stream(request, callOptions ?? {}),
  };
}

function completed(text: string, finishReason: Completion['finishReason']): StreamEvent {
  const timing = { totalMs: 1, measured: true };
  return { type: 'finished', completion: { model: 'x', text, finishReason, usage: {}, timing } };
}

/** Streams `piece` for ever, until it is aborted. */
async function* endless(piece: () => string, { signal }: CallOptions): AsyncGenerator<StreamEvent> {
  let text = '';
  const isOver = (): boolean => signal?.aborted === true;
  while (!isOver()) {
    const next = piece();
    text += next;
    yield { type: 'text', text: next };
    await Promise.resolve();
  }
  yield completed(text, 'cancelled');
}

describe('generate', () => {
  it('stops an answer that repeats itself, and says so', async () => {
    const provider = providerOf((_, call) => endless(() => "it('works', () => {});\n", call));
    const { completion, looped } = await generate(provider, REQUEST, options());
    expect(looped).toBe(true);
    expect(completion.finishReason).toBe('cancelled');
    expect(completion.text.length).toBeLessThan(2000);
  });

  it('stops an answer that never ends without repeating itself', async () => {
    let n = 0;
    const provider = providerOf((_, call) =>
      endless(() => Array.from({ length: 900 }, () => (n += 7919).toString(36)).join(' '), call),
    );
    const { completion, looped } = await generate(provider, REQUEST, options());
    expect(looped).toBe(false);
    expect(completion.text.length).toBeLessThan(300 * 1024);
  });

  it('asks again once when the engine dies', async () => {
    let calls = 0;
    const provider = providerOf(async function* () {
      calls += 1;
      if (calls === 1) throw new ProviderFailure('engine-crashed', 'gone');
      yield { type: 'text', text: 'ok' };
      yield completed('ok', 'stop');
    });
    expect((await generate(provider, REQUEST, options())).completion.text).toBe('ok');
    expect(calls).toBe(2);
  });

  it('gives up on an engine that always dies, and never repeats other failures', async () => {
    for (const [failure, expected] of [
      ['engine-crashed', 2],
      ['context-too-long', 1],
    ] as const) {
      let calls = 0;
      // oxlint-disable-next-line require-yield -- it fails before its first word
      const provider = providerOf(async function* () {
        calls += 1;
        throw new ProviderFailure(failure, 'no');
      });
      await expect(generate(provider, REQUEST, options())).rejects.toMatchObject({
        code: `provider.${failure}`,
      });
      expect(calls).toBe(expected);
    }
  });

  it('is cancelled from outside', async () => {
    const controller = new AbortController();
    let n = 0;
    const provider = providerOf((_, call) =>
      endless(() => {
        n += 1;
        if (n === 5) controller.abort();
        return `${n} `;
      }, call),
    );
    await expect(
      generate(provider, REQUEST, { ...options(), signal: controller.signal }),
    ).rejects.toMatchObject({ code: 'provider.cancelled' });
  });

  it('gives up on an engine that falls silent', async () => {
    let time = 0;
    const jumping: Clock = {
      now: () => 0,
      monotonic: () => time,
      sleep: async (ms) => {
        await sleep(1);
        time += ms;
      },
    };
    const provider = providerOf(async function* (_, { signal }) {
      yield { type: 'text', text: 'a' };
      await new Promise((resolve) => signal?.addEventListener('abort', resolve));
      yield completed('a', 'cancelled');
    });
    await expect(
      generate(provider, REQUEST, { ...options(), clock: jumping }),
    ).rejects.toMatchObject({
      code: 'provider.timeout',
    });
  });
});

describe('the replay provider', () => {
  const completion: Completion = {
    model: 'm',
    text: 'recorded',
    finishReason: 'stop',
    usage: { outputTokens: 3 },
    timing: { totalMs: 900, ttftMs: 100, measured: true },
  };
  const key = recordingKey('embedded:m', REQUEST);
  const provider = createReplayProvider({
    recordedId: 'embedded:m',
    lookUp: (wanted) => (wanted === key ? { completion, looped: false } : undefined),
    hint: 'record it',
  });

  it('answers as recorded, and never as if it had been measured', async () => {
    const answer = await provider.complete(REQUEST);
    expect(answer).toEqual({
      ...completion,
      timing: { totalMs: 900, ttftMs: 100, measured: false },
    });
    expect((await generate(provider, REQUEST, options())).completion).toEqual(answer);
  });

  it.each([
    { seed: 2 },
    { temperature: 0.1 },
    { maxTokens: 99 },
    { repeat: 1 },
    { messages: [{ role: 'user', content: 'write other tests' }] },
    { messages: [{ role: 'system', content: 'write tests' }] },
  ] satisfies Partial<CompletionRequest>[])(
    'has no answer to another request: %j',
    async (change) => {
      await expect(provider.complete({ ...REQUEST, ...change })).rejects.toMatchObject({
        code: 'provider.recording-missing',
        hint: 'record it',
      });
    },
  );

  it('keeps providers apart', () => {
    expect(recordingKey('embedded:other', REQUEST)).not.toBe(key);
  });
});
