import { stat } from 'node:fs/promises';
import lockfile from 'proper-lockfile';
import type { Clock } from '../core/clock.ts';
import type { AppError } from '../core/errors.ts';
import type { Output } from './output/output.ts';

/** Milliseconds after which the lock of a process that no longer renews it is taken over. */
const STALE_MS = 10_000;
const RENEW_MS = 1000;
const POLL_MS = 250;

export interface ProcessLock {
  /** Aborts when another process took the lock over, as after a long sleep of the machine. */
  lost: AbortSignal;
  release(): Promise<void>;
}

export interface LockOptions {
  /** What is locked, for people. */
  name: string;
  clock: Clock;
  output: Output;
  signal: AbortSignal;
  /** Why another process keeps us out. */
  locked: () => AppError;
  unusable: (cause: unknown) => AppError;
}

/**
 * Locks a path (`<path>.lock`) among processes. A lock that nobody renews any more, because its
 * process was killed, is waited for.
 * @throws what `locked` and `unusable` make
 */
export async function lockPath(path: string, options: LockOptions): Promise<ProcessLock> {
  const { name, clock, output, signal, locked, unusable } = options;
  const lost = new AbortController();
  let firstSeen: number | undefined;
  for (;;) {
    try {
      const release = await lockfile.lock(path, {
        realpath: false,
        stale: STALE_MS,
        update: RENEW_MS,
        onCompromised: () => lost.abort(locked()),
      });
      return {
        lost: lost.signal,
        release: async () => {
          // A lost lock is not ours to remove.
          if (!lost.signal.aborted) await release();
        },
      };
    } catch (error) {
      if (!isHeld(error)) throw unusable(error);
    }
    const renewed = await renewedAt(path);
    if (firstSeen === undefined) {
      firstSeen = renewed;
      output.note(`${name} is locked; waiting to see whether its process lives`);
    } else if (renewed !== undefined && renewed !== firstSeen) {
      throw locked();
    }
    await clock.sleep(POLL_MS, signal);
    signal.throwIfAborted();
  }
}

/** When the holder last renewed the lock; `undefined` when the lock has just gone. */
async function renewedAt(path: string): Promise<number | undefined> {
  const entry = await stat(`${path}.lock`).catch(() => undefined);
  return entry?.mtimeMs;
}

function isHeld(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ELOCKED';
}
