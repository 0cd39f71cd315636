import { createAbort } from '../../core/abort.ts';
import type { Clock } from '../../core/clock.ts';
import { ProviderFailure } from '../failure.ts';

/** How long a server has, in milliseconds. */
export interface Deadlines {
  connectMs: number;
  /** From the call to its first token. */
  firstTokenMs: number;
  /** Between two pieces of an answer. */
  idleMs: number;
  /** For a whole answer. */
  totalMs: number;
}

/** Watches over one call. */
export interface Watch {
  /** Aborts when a deadline passes or the caller gives up; its reason is the `ProviderFailure` to throw. */
  readonly signal: AbortSignal;
  /** A piece of the answer came: the wait for the first one is over, and the wait for the next begins. */
  progress(): void;
  /** The caller has the word; the time until the next `progress` is not the server's. */
  hold(): void;
  /** Nothing is awaited any more. */
  end(): void;
}

export interface WatchOptions {
  /** What has no tokens has no more than a total. */
  deadlines: Pick<Deadlines, 'totalMs'> & Partial<Pick<Deadlines, 'firstTokenMs' | 'idleMs'>>;
  clock: Clock;
  /** The caller's. */
  signal?: AbortSignal | undefined;
}

/** An end without a reason of its own would make one, with a stack, for each call. */
const ENDED = new Error('The call has ended.');

export function watchDeadlines({ deadlines, clock, signal: caller }: WatchOptions): Watch {
  const { firstTokenMs = Infinity, idleMs = Infinity, totalMs } = deadlines;
  const controller = createAbort();
  const ended = createAbort();
  const startedAt = clock.monotonic();
  let lastProgress: number | undefined;
  let held = false;

  const giveUp = (): void => finish(cancelledFailure());

  function finish(failure?: ProviderFailure): void {
    if (ended.signal.aborted) return;
    if (failure !== undefined) controller.abort(failure);
    ended.abort(ENDED);
    caller?.removeEventListener('abort', giveUp);
  }

  /** What is over time now, or how many milliseconds there are at least until something is. */
  function look(): ProviderFailure | number {
    const now = clock.monotonic();
    const total = startedAt + totalMs - now;
    if (total <= 0) return late('timeout', `The answer was not whole after ${totalMs} ms.`);
    if (lastProgress === undefined) {
      const first = startedAt + firstTokenMs - now;
      if (first <= 0)
        return late('first-token-timeout', `No token came within ${firstTokenMs} ms.`);
      // Not longer than a pause may last, because the first token may come meanwhile.
      return Math.min(total, first, idleMs);
    }
    const idle = held ? idleMs : lastProgress + idleMs - now;
    if (idle <= 0) return late('timeout', `The answer stood still for ${idleMs} ms.`);
    return Math.min(total, idle);
  }

  async function watch(): Promise<void> {
    while (!ended.signal.aborted) {
      const seen = look();
      if (typeof seen === 'number') await clock.sleep(Math.ceil(seen), ended.signal);
      else finish(seen);
    }
  }

  if (caller?.aborted === true) {
    giveUp();
  } else {
    caller?.addEventListener('abort', giveUp, { once: true });
    watch().catch(() => {});
  }

  return {
    signal: controller.signal,
    progress() {
      held = false;
      lastProgress = clock.monotonic();
    },
    hold() {
      held = true;
    },
    end: () => finish(),
  };
}

function late(failure: 'timeout' | 'first-token-timeout', message: string): ProviderFailure {
  return new ProviderFailure(failure, message);
}

/** Runs something that has no tokens; `signal` is the caller's, the one handed on the watch's. */
export async function withinTotal<T>(
  options: { totalMs: number; clock: Clock; signal?: AbortSignal | undefined },
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { totalMs, clock, signal } = options;
  const watch = watchDeadlines({ deadlines: { totalMs }, clock, signal });
  try {
    return await run(watch.signal);
  } finally {
    watch.end();
  }
}

export function cancelledFailure(): ProviderFailure {
  return new ProviderFailure('cancelled', 'The call was cancelled.');
}
