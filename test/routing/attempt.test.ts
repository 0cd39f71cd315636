import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Completion, CompletionRequest } from '../../src/core/request.ts';
import { ProviderFailure, type FailureClass } from '../../src/providers/failure.ts';
import type { Provider, StreamEvent } from '../../src/providers/provider.ts';
import {
  createResilientProvider,
  type AttemptReport,
  type ResilientCallOptions,
  type ResilientProvider,
  type ResilientProviderOptions,
} from '../../src/routing/attempt.ts';
import { createCircuitBreaker, type CircuitBreaker } from '../../src/routing/circuit-breaker.ts';
import { RETRIES } from '../../src/routing/retry-policy.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { holdClock, type HeldClock } from './held-clock.ts';

const ID = 'vllm:some-model';
const REQUEST: CompletionRequest = {
  messages: [{ role: 'user', content: 'Hello' }],
  maxTokens: 5,
  temperature: 0,
  seed: 1,
  repeat: 0,
};
const TOTAL_MS = 100_000;

let folder: string;
let database: Database;
let clock: HeldClock;
let breaker: CircuitBreaker;
let attempts: AttemptReport[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-attempt-'));
  database = openDatabase(folder);
  clock = holdClock();
  attempts = [];
  breaker = createCircuitBreaker({
    database,
    id: ID,
    settings: {
      failures: 4,
      successes: 1,
      openMs: 10_000,
      windowMs: 60_000,
      latencyMs: 5000,
      quality: 0.5,
    },
    clock,
  });
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const ANSWER: Completion = {
  model: 'some-model',
  text: 'Hi there',
  finishReason: 'stop',
  usage: { inputTokens: 3, outputTokens: 2 },
  timing: { ttftMs: 10, totalMs: 20, measured: true },
};

const WAIT = Symbol('wait');
/** What one attempt does, in order: text to give, a failure to throw, or waiting until aborted. */
type Script = readonly (string | ProviderFailure | typeof WAIT)[];

const failure = (name: FailureClass, retryAfterMs?: number): ProviderFailure =>
  new ProviderFailure(name, `It is ${name}.`, { retryAfterMs });

/** A provider whose n-th attempt follows the n-th script, and the last one for ever. */
function scripted(scripts: readonly Script[]): { provider: Provider; calls: () => number } {
  let calls = 0;
  async function* play(signal: AbortSignal | undefined): AsyncGenerator<StreamEvent> {
    const script = scripts[Math.min(calls, scripts.length - 1)] ?? [];
    calls += 1;
    for (const step of script) {
      if (step instanceof ProviderFailure) throw step;
      if (step === WAIT) {
        if (signal?.aborted !== true) {
          await new Promise((resolve) => {
            signal?.addEventListener('abort', resolve, { once: true });
          });
        }
        yield { type: 'finished', completion: { ...ANSWER, finishReason: 'cancelled' } };
        return;
      }
      yield { type: 'text', text: step };
    }
    yield { type: 'finished', completion: ANSWER };
  }
  const provider: Provider = {
    id: ID,
    async complete(_, { signal } = {}) {
      for await (const event of play(signal)) {
        if (event.type !== 'finished') continue;
        if (event.completion.finishReason === 'cancelled') throw failure('cancelled');
        return event.completion;
      }
      throw failure('truncated-stream');
    },
    stream: (_, { signal } = {}) => play(signal),
    embed: async (texts, { signal } = {}) => {
      for await (const _ of play(signal));
      return texts.map(() => [1]);
    },
    countTokens: () => Promise.resolve(7),
    health: () => Promise.resolve({ state: 'ready', detail: 'well' }),
    metadata: () =>
      Promise.resolve({ id: ID, model: 'm', versions: {}, concurrency: 1, replayed: false }),
    shutdown: () => Promise.resolve(),
  };
  return { provider, calls: () => calls };
}

function resilient(
  provider: Provider,
  options: Partial<ResilientProviderOptions> = {},
): ResilientProvider {
  return createResilientProvider(provider, {
    breaker,
    clock,
    random: () => 0,
    totalMs: TOTAL_MS,
    ...options,
  });
}

/** Calls that are listened to. */
const heard: ResilientCallOptions = { onAttempt: () => (attempt) => attempts.push(attempt) };

const outcomes = (): string[] => attempts.map(({ outcome }) => outcome);
/** Waits between attempts; the watch over the whole call and a probe's lease sleep too. */
const waits = (): number[] => clock.sleeps.filter((ms) => ms !== TOTAL_MS);

/** Lets time pass until the promise is settled. */
async function inTime<T>(promise: Promise<T>): Promise<T | ProviderFailure> {
  const wait = { over: false };
  const settled = promise
    .catch((error: unknown) => {
      if (error instanceof ProviderFailure) return error;
      throw error;
    })
    .finally(() => {
      wait.over = true;
    });
  while (!wait.over) await clock.advance(1000);
  return settled;
}

async function read(stream: AsyncIterable<StreamEvent>, events: StreamEvent[]): Promise<void> {
  for await (const event of stream) events.push(event);
}

describe('complete', () => {
  it('tries again after a failure that passes, with growing waits, and reports each attempt', async () => {
    const { provider } = scripted([[failure('overloaded')], ['Hi', failure('transport')], ['Hi']]);
    const completion = await inTime(resilient(provider).complete(REQUEST, heard));
    expect(completion).toMatchObject({ text: 'Hi there' });
    expect(outcomes()).toEqual(['overloaded', 'transport', 'ok']);
    expect(waits()).toEqual([250, 500]);
    expect(attempts.at(-1)).toMatchObject({ providerId: ID, usage: ANSWER.usage, ttftMs: 0 });
  });

  it("counts the waits into the caller's times, and not into the attempt's", async () => {
    const { provider } = scripted([[failure('overloaded')], []]);
    const completion = await inTime(resilient(provider).complete(REQUEST, heard));
    expect(completion).toMatchObject({ timing: { ttftMs: 260, totalMs: 270, measured: true } });
    expect(attempts.at(-1)?.ttftMs).toBe(10);
  });

  it.each(['auth', 'bad-request', 'context-too-long', 'model-missing', 'spend-limit'] as const)(
    'does not try again after %s',
    async (name) => {
      const { provider } = scripted([[failure(name)], []]);
      expect(await inTime(resilient(provider).complete(REQUEST, heard))).toMatchObject({
        failure: name,
      });
      expect(outcomes()).toEqual([name]);
    },
  );

  it('throws the last failure when all retries have failed', async () => {
    const { provider } = scripted([[failure('overloaded')], [failure('transport')]]);
    const thrown = await inTime(resilient(provider).complete(REQUEST, heard));
    expect(thrown).toMatchObject({ failure: 'transport' });
    expect(attempts).toHaveLength(1 + RETRIES.most);
  });

  it('waits for as long as the server asks, and not a moment less', async () => {
    const { provider } = scripted([[failure('rate-limited', 7000)], []]);
    await inTime(resilient(provider).complete(REQUEST, heard));
    expect(waits()).toEqual([7000]);
  });

  it('gives up when the server asks for too long a wait', async () => {
    const asked = RETRIES.longestRetryAfterMs + 1;
    const { provider } = scripted([[failure('rate-limited', asked)], []]);
    const thrown = await inTime(resilient(provider).complete(REQUEST, heard));
    expect(thrown).toMatchObject({ failure: 'rate-limited', retryAfterMs: asked });
    expect(outcomes()).toEqual(['rate-limited']);
  });

  it('does not begin a retry after the end of its time', async () => {
    const { provider } = scripted([[failure('rate-limited', 5000)], []]);
    const thrown = await inTime(resilient(provider, { totalMs: 5000 }).complete(REQUEST, heard));
    expect(thrown).toMatchObject({ failure: 'rate-limited' });
    expect(outcomes()).toEqual(['rate-limited']);
  });

  it('ends an attempt with the time of the call', async () => {
    const { provider } = scripted([[WAIT]]);
    const thrown = await inTime(resilient(provider).complete(REQUEST, heard));
    expect(thrown).toMatchObject({ failure: 'timeout' });
    expect(outcomes()).toEqual(['timeout']);
  });

  it('ends at once when it is aborted while it waits', async () => {
    const { provider } = scripted([[failure('overloaded')], []]);
    const controller = new AbortController();
    const call = resilient(provider).complete(REQUEST, { ...heard, signal: controller.signal });
    const thrown = call.catch((error: unknown) => error);
    await clock.advance(100);
    controller.abort();
    expect(await thrown).toMatchObject({ failure: 'cancelled' });
    expect(outcomes()).toEqual(['overloaded']);
  });

  it('sends nothing when it is aborted beforehand', async () => {
    const { provider, calls } = scripted([[]]);
    const call = resilient(provider).complete(REQUEST, { ...heard, signal: AbortSignal.abort() });
    await expect(call).rejects.toMatchObject({ failure: 'cancelled' });
    expect(calls()).toBe(0);
    expect(attempts).toEqual([]);
  });

  it('names whatever else a provider throws', async () => {
    const { provider } = scripted([[]]);
    provider.stream = () => {
      throw new SyntaxError('odd');
    };
    const thrown = await inTime(resilient(provider).complete(REQUEST, heard));
    expect(thrown).toMatchObject({ failure: 'malformed' });
  });

  it('does not ask again because an answer could not be recorded', async () => {
    const { provider, calls } = scripted([[]]);
    const onAttempt = (): never => {
      throw new Error('disk full');
    };
    const call = resilient(provider).complete(REQUEST, { onAttempt: () => onAttempt });
    await expect(call).rejects.toThrow('disk full');
    expect(calls()).toBe(1);
  });

  it('stops retrying when retries have become too many for the calls', async () => {
    const { provider } = scripted([[failure('rate-limited', 1)]]);
    const never: CircuitBreaker = {
      id: ID,
      admit: () => ({ admitted: true, pass: { succeeded() {}, failed() {} } }),
      judged() {},
      state: () => 'closed',
      outlook: () => ({ state: 'closed' }),
    };
    const tried = resilient(provider, { breaker: never });
    for (let i = 0; i < 100; i++) await inTime(tried.complete(REQUEST, heard));
    expect(attempts.length - 100).toBeLessThanOrEqual(10 + 0.2 * 100);
  });
});

describe('the breaker', () => {
  it('is asked before each attempt, and fails a call at once while it is open', async () => {
    const { provider, calls } = scripted([[failure('overloaded')]]);
    const tried = resilient(provider);
    await inTime(tried.complete(REQUEST, heard));
    const last = await inTime(tried.complete(REQUEST, heard));
    expect(last).toMatchObject({ failure: 'overloaded' });
    expect(calls()).toBe(4);
    const refused = await tried.complete(REQUEST, heard).catch((error: unknown) => error);
    expect(refused).toMatchObject({
      failure: 'breaker-open',
      code: 'provider.breaker-open',
      hint: expect.stringContaining('tried again in'),
    });
    expect(calls()).toBe(4);
    expect(attempts).toHaveLength(4);
  });

  it('hears of answers that came late', async () => {
    const slow = { ...ANSWER, timing: { ttftMs: 6000, measured: true } };
    const { provider } = scripted([[]]);
    provider.stream = async function* () {
      yield { type: 'finished', completion: slow };
    };
    const tried = resilient(provider);
    for (let i = 0; i < 4; i++) await tried.complete(REQUEST, heard);
    expect(breaker.state()).toBe('open');
  });
});

describe('stream', () => {
  it('tries again as long as the caller has nothing', async () => {
    const { provider } = scripted([[failure('transport')], ['Hi', ' there']]);
    const events: StreamEvent[] = [];
    await inTime(read(resilient(provider).stream(REQUEST, heard), events));
    expect(events.map(({ type }) => type)).toEqual(['text', 'text', 'finished']);
    expect(outcomes()).toEqual(['transport', 'ok']);
  });

  it('tries nothing again once the caller has text', async () => {
    const { provider } = scripted([['Hi', failure('transport')], ['Other']]);
    const events: StreamEvent[] = [];
    const thrown = await inTime(read(resilient(provider).stream(REQUEST, heard), events));
    expect(thrown).toMatchObject({ failure: 'transport' });
    expect(events).toEqual([{ type: 'text', text: 'Hi' }]);
    expect(outcomes()).toEqual(['transport']);
  });

  it('finishes as cancelled when the caller aborts, and reports what was used', async () => {
    const { provider } = scripted([['Hi', WAIT]]);
    const controller = new AbortController();
    const events: StreamEvent[] = [];
    const reading = read(
      resilient(provider).stream(REQUEST, { ...heard, signal: controller.signal }),
      events,
    );
    await clock.advance(1);
    controller.abort();
    await reading;
    expect(events.at(-1)).toMatchObject({ completion: { finishReason: 'cancelled' } });
    expect(attempts).toMatchObject([{ outcome: 'cancelled', usage: ANSWER.usage }]);
    expect(breaker.state()).toBe('closed');
  });

  it('throws at the end of its time', async () => {
    const { provider } = scripted([['Hi', WAIT]]);
    const thrown = await inTime(read(resilient(provider).stream(REQUEST, heard), []));
    expect(thrown).toMatchObject({ failure: 'timeout' });
    expect(outcomes()).toEqual(['timeout']);
  });

  it('reports an attempt whose reader has left', async () => {
    const { provider } = scripted([['Hi', ' there']]);
    for await (const _ of resilient(provider).stream(REQUEST, heard)) break;
    expect(outcomes()).toEqual(['cancelled']);
  });

  it('does not take a stream without an end for an answer', async () => {
    const { provider } = scripted([[]]);
    provider.stream = async function* () {
      yield { type: 'text', text: 'Hi' };
    };
    const thrown = await inTime(read(resilient(provider).stream(REQUEST, heard), []));
    expect(thrown).toMatchObject({ failure: 'truncated-stream' });
  });
});

describe('the rest of a provider', () => {
  it('embeds with the same patience', async () => {
    const { provider } = scripted([[failure('overloaded')], []]);
    expect(await inTime(resilient(provider).embed(['a', 'b'], heard))).toEqual([[1], [1]]);
    expect(outcomes()).toEqual(['overloaded', 'ok']);
  });

  it('passes on what is no call of the model', async () => {
    const tried = resilient(scripted([[]]).provider);
    expect(tried.id).toBe(ID);
    expect(await tried.countTokens('x')).toBe(7);
    expect(await tried.health()).toMatchObject({ state: 'ready' });
    expect(await tried.metadata()).toMatchObject({ model: 'm' });
    await tried.shutdown();
    expect(attempts).toEqual([]);
  });
});
