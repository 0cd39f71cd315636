import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError, ExitCode, messageOf } from '../../../core/errors.ts';
import type { Runtime } from '../../../runtime.ts';
import type { Output } from '../../output/output.ts';
import { lockPath, type ProcessLock } from '../../process-lock.ts';

/**
 * Locks a run: two processes on it would do its work twice.
 * @throws AppError `baseline.locked` when another process works on the run, `storage.unusable` when its folder cannot
 * be written
 */
export async function lockRun(
  { config, clock }: Pick<Runtime, 'config' | 'clock'>,
  runId: string,
  output: Output,
  signal: AbortSignal,
): Promise<ProcessLock> {
  const folder = path.join(config.state, 'runs', runId);
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw unusable(folder, error);
  }
  return lockPath(folder, {
    name: `Run ${runId}`,
    clock,
    output,
    signal,
    locked: () => locked(runId),
    unusable: (cause) => unusable(folder, cause),
  });
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
