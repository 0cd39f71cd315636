import { describe, expect, it } from 'vitest';
import { loadPrices } from '../../src/config/prices/load-prices.ts';
import type { Completion, CompletionRequest } from '../../src/core/request.ts';
import { createCharges } from '../../src/ledger/charge.ts';
import type { LoneAttempt } from '../../src/ledger/ledger.ts';
import { meter } from '../../src/ledger/meter.ts';
import { ProviderFailure } from '../../src/providers/failure.ts';
import type { Provider, StreamEvent } from '../../src/providers/provider.ts';

const REQUEST: CompletionRequest = {
  messages: [{ role: 'user', content: 'Hello' }],
  maxTokens: 9,
  temperature: 0,
  seed: 1,
  repeat: 0,
};
const ANSWER: Completion = {
  model: 'claude-sonnet-5',
  text: 'Hi there',
  finishReason: 'stop',
  usage: { inputTokens: 1000, outputTokens: 500 },
  timing: { measured: true },
};
const BROKEN = new ProviderFailure('overloaded', 'Too much.');

interface Metered {
  provider: Provider;
  attempts: LoneAttempt[];
  troubles: unknown[];
}

/** A provider that gives these events, a failure or the end, and takes 5 ms for each. */
function metered(
  events: readonly (StreamEvent | ProviderFailure)[],
  alone?: (attempt: LoneAttempt) => void,
): Metered {
  let now = 1000;
  const attempts: LoneAttempt[] = [];
  const troubles: unknown[] = [];
  async function* play(): AsyncGenerator<StreamEvent> {
    for (const event of events) {
      now += 5;
      if (event instanceof ProviderFailure) throw event;
      yield event;
    }
  }
  const bare: Provider = {
    id: 'anthropic:claude-sonnet-5',
    async complete() {
      for await (const event of play()) if (event.type === 'finished') return event.completion;
      throw new Error('no end');
    },
    stream: play,
    async embed(texts, { onUsage } = {}) {
      for await (const _ of play());
      onUsage?.({ inputTokens: 7, outputTokens: 0 });
      return texts.map(() => [1]);
    },
    countTokens: async () => 3,
    health: async () => ({ state: 'ready', detail: '' }),
    metadata: async () => ({ id: '', model: '', versions: {}, concurrency: 1, replayed: false }),
    shutdown: async () => {},
  };
  const provider = meter(
    bare,
    {
      purpose: 'baseline',
      tier: 'cloud',
      session: 'run-1',
      categoryOf: () => 'code-review',
      pairOf: ({ messages }) => `p ${messages.length}`,
    },
    {
      ledger: { alone: alone ?? ((attempt) => attempts.push(attempt)) },
      charges: createCharges({}, loadPrices(undefined)),
      clock: { now: () => now, monotonic: () => now, sleep: async () => {} },
      newId: () => `a-${attempts.length}`,
      onTrouble: (error) => troubles.push(error),
    },
  );
  return { provider, attempts, troubles };
}

const WHOLE: StreamEvent[] = [
  { type: 'text', text: 'Hi' },
  { type: 'text', text: ' there' },
  { type: 'finished', completion: ANSWER },
];
const RECORD = {
  id: 'a-0',
  at: 1000,
  purpose: 'baseline',
  tier: 'cloud',
  target: 'anthropic:claude-sonnet-5',
  selfHosted: false,
  batch: false,
  outcome: 'ok',
  usage: ANSWER.usage,
  usd: 0.007,
  priceVersion: '2026-11',
  session: 'run-1',
  category: 'code-review',
  pair: 'p 1',
};

async function read(stream: AsyncIterable<StreamEvent>, most = Infinity): Promise<number> {
  let count = 0;
  for await (const _ of stream) {
    count += 1;
    if (count === most) break;
  }
  return count;
}

describe('a metered provider', () => {
  it('records a stream once, with its times and its price', async () => {
    const { provider, attempts } = metered(WHOLE);
    expect(await read(provider.stream(REQUEST))).toBe(3);
    expect(attempts).toEqual([{ ...RECORD, ttftMs: 5, totalMs: 15 }]);
  });

  it('records a whole answer', async () => {
    const { provider, attempts } = metered(WHOLE);
    expect(await provider.complete(REQUEST)).toEqual(ANSWER);
    expect(attempts).toEqual([{ ...RECORD, totalMs: 15 }]);
  });

  it('records what was cancelled, by its reader or by its caller', async () => {
    const left = metered(WHOLE);
    await read(left.provider.stream(REQUEST), 1);
    expect(left.attempts).toMatchObject([{ outcome: 'cancelled', ttftMs: 5 }]);
    expect(left.attempts[0]).not.toHaveProperty('usd');
    const cancelled = metered([
      { type: 'finished', completion: { ...ANSWER, finishReason: 'cancelled' } },
    ]);
    await read(cancelled.provider.stream(REQUEST));
    expect(cancelled.attempts).toMatchObject([{ outcome: 'cancelled', usd: 0.007 }]);
  });

  it('records what failed, and passes the failure on', async () => {
    const { provider, attempts } = metered([BROKEN]);
    await expect(read(provider.stream(REQUEST))).rejects.toBe(BROKEN);
    await expect(provider.complete(REQUEST)).rejects.toBe(BROKEN);
    await expect(provider.embed(['a'])).rejects.toBe(BROKEN);
    expect(attempts.map(({ outcome, usd }) => [outcome, usd])).toEqual([
      ['overloaded', 0],
      ['overloaded', 0],
      ['overloaded', 0],
    ]);
    const cut = new ProviderFailure('truncated-stream', 'It broke off.');
    cut.usage = { inputTokens: 40 };
    const half = metered([{ type: 'text', text: 'Hi' }, cut]);
    await expect(read(half.provider.stream(REQUEST))).rejects.toBe(cut);
    expect(half.attempts).toMatchObject([{ outcome: 'truncated-stream', usage: cut.usage }]);
    const endless = metered([{ type: 'text', text: 'Hi' }]);
    await read(endless.provider.stream(REQUEST));
    expect(endless.attempts).toMatchObject([{ outcome: 'truncated-stream' }]);
  });

  it('records embeddings with what they used, and nothing where there are none', async () => {
    const { provider, attempts } = metered([]);
    const heard: unknown[] = [];
    expect(await provider.embed(['a', 'b'], { onUsage: (used) => heard.push(used) })).toHaveLength(
      2,
    );
    expect(attempts).toMatchObject([{ outcome: 'ok', usage: { inputTokens: 7 }, usd: 0.000_014 }]);
    expect(heard).toEqual([{ inputTokens: 7, outputTokens: 0 }]);
    const without = metered([new ProviderFailure('unsupported', 'No embeddings.')]);
    await expect(without.provider.embed(['a'])).rejects.toMatchObject({ failure: 'unsupported' });
    expect(without.attempts).toEqual([]);
  });

  it('gives the answer although it could not be recorded, and says so', async () => {
    const full = new Error('full');
    const { provider, troubles } = metered(WHOLE, () => {
      throw full;
    });
    expect(await provider.complete(REQUEST)).toEqual(ANSWER);
    expect(troubles).toEqual([full]);
  });
});
