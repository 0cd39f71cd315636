import type { Clock } from '../../src/core/clock.ts';
import type { Completion } from '../../src/core/request.ts';
import { ProviderFailure } from '../../src/providers/failure.ts';
import type { Provider } from '../../src/providers/provider.ts';

interface Sleeper {
  at: number;
  wake: () => void;
}

/** A clock that jumps to the next sleeper as soon as nothing else is left to do. */
export function jumpingClock(): Clock {
  let now = 0;
  const sleepers: Sleeper[] = [];
  let turning = false;
  const turn = (): void => {
    turning = false;
    sleepers.sort((a, b) => a.at - b.at);
    const next = sleepers.shift();
    if (next === undefined) return;
    now = Math.max(now, next.at);
    next.wake();
    schedule();
  };
  const schedule = (): void => {
    if (turning || sleepers.length === 0) return;
    turning = true;
    setImmediate(turn);
  };
  return {
    now: () => now,
    monotonic: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        const sleeper = { at: now + ms, wake: resolve };
        signal?.addEventListener('abort', () => {
          const index = sleepers.indexOf(sleeper);
          if (index >= 0) sleepers.splice(index, 1);
          reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
        });
        sleepers.push(sleeper);
        schedule();
      }),
  };
}

export interface Script {
  clock: Clock;
  /** Milliseconds to the first piece and between pieces, with `running` requests at once, this one too. */
  times: (running: number) => { firstMs: number; gapMs: number };
  pieces: number;
  /** Which requests fail, counted from 0. */
  fails?: (index: number) => boolean;
}

/** A provider with scripted times, that counts how many requests it has at once. */
export function scriptedProvider({ clock, times, pieces, fails }: Script): Provider & {
  sent: () => number;
  most: () => number;
  prompts: string[];
} {
  let sent = 0;
  let running = 0;
  let most = 0;
  const prompts: string[] = [];
  const completion: Completion = {
    model: 'scripted',
    text: '',
    finishReason: 'stop',
    // Twice the pieces: a piece may hold several tokens.
    usage: { inputTokens: 50, outputTokens: pieces * 2 },
    timing: { measured: true },
  };
  const never = (): never => {
    throw new ProviderFailure('unsupported', 'not scripted');
  };
  return {
    id: 'scripted:model',
    prompts,
    sent: () => sent,
    most: () => most,
    async *stream(request, options) {
      const index = sent++;
      prompts.push(request.messages.at(-1)?.content ?? '');
      running += 1;
      most = Math.max(most, running);
      try {
        const { firstMs, gapMs } = times(running);
        await clock.sleep(firstMs, options?.signal);
        if (fails?.(index) === true) throw new ProviderFailure('overloaded', 'scripted');
        for (let piece = 0; piece < pieces; piece++) {
          if (piece > 0) await clock.sleep(gapMs, options?.signal);
          yield { type: 'text', text: 'x' };
        }
        yield { type: 'finished', completion };
      } finally {
        running -= 1;
      }
    },
    complete: () => Promise.resolve(completion),
    embed: async () => never(),
    countTokens: () => Promise.resolve(undefined),
    health: () => Promise.resolve({ state: 'ready', detail: 'scripted' }),
    metadata: () =>
      Promise.resolve({
        id: 'scripted:model',
        model: 'model',
        contextTokens: 4096,
        versions: {},
        concurrency: 4,
        replayed: false,
      }),
    shutdown: () => Promise.resolve(),
  };
}
