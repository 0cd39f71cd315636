import { setImmediate } from 'node:timers/promises';
import type { Clock } from '../../src/core/clock.ts';

export interface HeldClock extends Clock {
  /** Moves time on, wakes whom it is time for, and lets them act. */
  advance(ms: number): Promise<void>;
  /** Moves time without waking anybody, as for sleepers who have died. */
  skip(ms: number): void;
  /** Milliseconds that sleepers have asked for, in order. */
  readonly sleeps: readonly number[];
}

interface Sleeper {
  at: number;
  wake: () => void;
}

/** A clock that stands still until told; it may be shared by what stands for several processes. */
export function holdClock(start = 1_000_000): HeldClock {
  let now = start;
  let sleepers: Sleeper[] = [];
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => now,
    monotonic: () => now,
    sleep(ms, signal) {
      sleeps.push(ms);
      return new Promise((resolve, reject) => {
        const sleeper: Sleeper = {
          at: now + ms,
          wake: () => {
            signal?.removeEventListener('abort', stop);
            resolve();
          },
        };
        const stop = (): void => {
          sleepers = sleepers.filter((it) => it !== sleeper);
          reject(signal?.reason);
        };
        if (signal?.aborted === true) return stop();
        signal?.addEventListener('abort', stop, { once: true });
        sleepers.push(sleeper);
      });
    },
    skip(ms) {
      now += ms;
    },
    async advance(ms) {
      const end = now + ms;
      while (true) {
        await setImmediate();
        const next = sleepers.toSorted((a, b) => a.at - b.at)[0];
        if (next === undefined || next.at > end) break;
        sleepers = sleepers.filter((it) => it !== next);
        now = Math.max(now, next.at);
        next.wake();
      }
      now = end;
    },
  };
}
