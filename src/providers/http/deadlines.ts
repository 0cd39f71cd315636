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

export function watchDeadlines({ deadlines, clock, signal: caller }: WatchOptions): Watch {
  const controller = new AbortController();
  const ended = new AbortController();
  const first = new AbortController();
  let begun = false;
  let held = false;
  let lastProgress = 0;

  const giveUp = (): void => finish(cancelledFailure());

  function finish(failure?: ProviderFailure): void {
    if (failure !== undefined && !ended.signal.aborted) controller.abort(failure);
    ended.abort();
    first.abort();
    caller?.removeEventListener('abort', giveUp);
  }

  async function watchFirstToken(ms: number): Promise<void> {
    if (await passed(clock, ms, first.signal)) {
      finish(new ProviderFailure('first-token-timeout', `No token came within ${ms} ms.`));
    }
  }

  async function watchTotal(ms: number): Promise<void> {
    if (await passed(clock, ms, ended.signal)) {
      finish(new ProviderFailure('timeout', `The answer was not whole after ${ms} ms.`));
    }
  }

  async function watchIdle(ms: number): Promise<void> {
    // One timer for many pieces: it looks how long the last one is ago, and sleeps for what is left.
    for (let wait = ms; await passed(clock, wait, ended.signal);) {
      wait = held ? ms : lastProgress + ms - clock.monotonic();
      if (wait > 0) continue;
      finish(new ProviderFailure('timeout', `The answer stood still for ${ms} ms.`));
    }
  }

  if (caller?.aborted === true) {
    giveUp();
  } else {
    caller?.addEventListener('abort', giveUp, { once: true });
    if (deadlines.firstTokenMs !== undefined) void watchFirstToken(deadlines.firstTokenMs);
    void watchTotal(deadlines.totalMs);
  }

  return {
    signal: controller.signal,
    progress() {
      held = false;
      lastProgress = clock.monotonic();
      if (begun) return;
      begun = true;
      first.abort();
      if (deadlines.idleMs !== undefined) void watchIdle(deadlines.idleMs);
    },
    hold() {
      held = true;
    },
    end: () => finish(),
  };
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

/** False when the signal came before the time. */
async function passed(clock: Clock, ms: number, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(ms, signal).then(
    () => !signal.aborted,
    () => false,
  );
}

export function cancelledFailure(): ProviderFailure {
  return new ProviderFailure('cancelled', 'The call was cancelled.');
}
