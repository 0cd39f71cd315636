import lockfile from 'proper-lockfile';
import { AppError, ExitCode } from '../../core/errors.ts';
import type { Clock } from '../../core/clock.ts';
import { writeFailure } from './part-file.ts';
import { systemErrorCode } from './source-failure.ts';

/** Milliseconds after which the lock of a process that no longer renews it is taken over. */
const STALE_MS = 10_000;
const POLL_MS = 500;

export interface ModelLock {
  /** Aborts when the lock was taken over, as after a long sleep of the machine. */
  lost: AbortSignal;
  release(): Promise<void>;
}

/**
 * Waits for the right to fetch `path`, one process at a time; yields each time that it still has to wait.
 * @throws AppError when the folder cannot be written; the signal's reason on abort
 */
export async function* acquireModelLock(
  path: string,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<void, ModelLock> {
  const lost = new AbortController();
  for (;;) {
    signal.throwIfAborted();
    try {
      const release = await lockfile.lock(path, {
        // The file that the lock is for does not exist yet.
        realpath: false,
        stale: STALE_MS,
        onCompromised: () =>
          lost.abort(
            new AppError('model.lock-lost', 'Another process took over the download.', {
              hint: 'Start again: it waits for the other one, or goes on where it stopped.',
              exitCode: ExitCode.LockConflict,
            }),
          ),
      });
      return {
        lost: lost.signal,
        release: async () => {
          // A lost lock is not ours to remove.
          if (!lost.signal.aborted) await release().catch(() => undefined);
        },
      };
    } catch (error) {
      if (systemErrorCode(error) !== 'ELOCKED') throw writeFailure(error, `${path}.lock`, 0);
    }
    yield;
    await clock.sleep(POLL_MS, signal);
  }
}
