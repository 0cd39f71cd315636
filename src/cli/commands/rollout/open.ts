import { mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError, ExitCode, messageOf } from '../../../core/errors.ts';
import type { Rollouts } from '../../../runtime/open-rollouts.ts';
import type { Runtime } from '../../../runtime.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { lockPath } from '../../process-lock.ts';

/** Does work on the state folder's rollout and closes it, whatever happens. */
export async function withRollouts<Result>(
  context: CommandContext,
  work: (rollouts: Rollouts, runtime: Runtime) => Promise<Result>,
): Promise<Result> {
  const runtime = await runtimeFor(context);
  const rollouts = runtime.openRollouts();
  try {
    return await work(rollouts, runtime);
  } finally {
    rollouts.close();
  }
}

/**
 * Does work while no other operator changes the rollout.
 * @throws AppError `rollout.locked`, `storage.unusable`
 */
export async function alone<Result>(
  { output, host: { signal } }: CommandContext,
  { config, clock }: Pick<Runtime, 'config' | 'clock'>,
  work: () => Result | Promise<Result>,
): Promise<Result> {
  const unusable = (cause: unknown): AppError =>
    new AppError('storage.unusable', `${config.state} cannot be used: ${messageOf(cause)}`, {
      hint: 'Check that the state folder can be written, or choose another with --state <folder>.',
      cause,
    });
  await mkdir(config.state, { recursive: true }).catch((error: unknown) => {
    throw unusable(error);
  });
  const lock = await lockPath(path.join(config.state, 'rollout'), {
    name: 'The rollout',
    clock,
    output,
    signal,
    locked: () =>
      new AppError('rollout.locked', 'Another operator is changing the rollout.', {
        hint: 'See what it became with aqe-llm rollout status, then decide again.',
        exitCode: ExitCode.LockConflict,
      }),
    unusable,
  });
  try {
    return await work();
  } finally {
    await lock.release();
  }
}
