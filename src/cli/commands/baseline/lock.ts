import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import lockfile from 'proper-lockfile';
import { AppError, ExitCode, messageOf } from '../../../core/errors.ts';
import type { Runtime } from '../../../runtime.ts';
import type { Output } from '../../output/output.ts';

/** Milliseconds after which the lock of a process that no longer renews it is taken over. */
const STALE_MS = 10_000;
const RENEW_MS = 1000;
const POLL_MS = 250;

export interface RunLock {
  /** Aborts when another process took the lock over, as after a long sleep of the machine. */
  lost: AbortSignal;
  release(): Promise<void>;
}

/**
 * Locks a run: two processes on it would do its work twice. A lock that nobody renews any more, because its process
 * was killed, is waited for.
 * @throws AppError `baseline.locked` when another process works on the run, `storage.unusable` when its folder cannot
 * be written
 */
export async function lockRun(
  { config, clock }: Pick<Runtime, 'config' | 'clock'>,
  runId: string,
  output: Output,
  signal: AbortSignal,
): Promise<RunLock> {
  const folder = path.join(config.state, 'runs', runId);
  const lost = new AbortController();
  let firstSeen: number | undefined;
  for (;;) {
    try {
      await mkdir(folder, { recursive: true });
      const release = await lockfile.lock(folder, {
        stale: STALE_MS,
        update: RENEW_MS,
        onCompromised: () => lost.abort(locked(runId)),
      });
      return {
        lost: lost.signal,
        release: async () => {
          // A lost lock is not ours to remove.
          if (!lost.signal.aborted) await release();
        },
      };
    } catch (error) {
      if (!isHeld(error)) throw unusable(folder, error);
    }
    const renewed = await renewedAt(folder);
    if (firstSeen === undefined) {
      firstSeen = renewed;
      output.note(`Run ${runId} is locked; waiting to see whether its process lives`);
    } else if (renewed !== undefined && renewed !== firstSeen) {
      throw locked(runId);
    }
    await clock.sleep(POLL_MS, signal);
    signal.throwIfAborted();
  }
}

/** When the holder last renewed the lock; `undefined` when the lock has just gone. */
async function renewedAt(folder: string): Promise<number | undefined> {
  const entry = await stat(`${folder}.lock`).catch(() => undefined);
  return entry?.mtimeMs;
}

function isHeld(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ELOCKED';
}

function locked(runId: string): AppError {
  return new AppError('baseline.locked', `Another process works on run ${runId}.`, {
    hint: 'Wait for it, or start a run of your own.',
    exitCode: ExitCode.LockConflict,
  });
}

function unusable(folder: string, cause: unknown): AppError {
  return new AppError('storage.unusable', `${folder} cannot be used: ${messageOf(cause)}`, {
    hint: 'Check that the state folder can be written and has room, or choose another with --state <folder>.',
    cause,
  });
}
