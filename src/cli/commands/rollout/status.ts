import { AppError, ExitCode } from '../../../core/errors.ts';
import type { RolloutView } from '../../../rollout/view.ts';
import type { CommandContext } from '../../main.ts';
import { drawStatus } from './draw-status.ts';
import { withRollouts } from './open.ts';

export interface StatusFlags {
  watch?: boolean;
}

/** Milliseconds between two looks. */
const LOOK_MS = 1000;
const CLEAR = '\u001B[H\u001B[J';

/** `rollout status`: where the rollout is; `--watch` draws it anew until it is over. */
export async function statusCommand(
  context: CommandContext,
  { watch = false }: StatusFlags,
): Promise<ExitCode> {
  const { output, host } = context;
  return withRollouts(context, async ({ view }, { clock }) => {
    if (!watch) {
      const seen = sound(view());
      show(seen, context);
      return exitCodeOf(seen);
    }
    const canRedraw = host.stdout.isTTY && !output.json;
    let told = '';
    for (;;) {
      const seen = sound(view());
      const key = keyOf(seen);
      // A pipe gets a line or a screen for each change, and nothing twice.
      if (canRedraw || key !== told) {
        if (canRedraw) host.stdout.write(CLEAR);
        show(seen, context);
        told = key;
      }
      if (isOver(seen)) return exitCodeOf(seen);
      await clock.sleep(LOOK_MS, host.signal).catch(() => {});
      host.signal.throwIfAborted();
    }
  });
}

function show(seen: RolloutView, { output }: CommandContext): void {
  if (output.json) output.result(JSON.stringify(seen));
  else output.result(drawStatus(seen, output));
}

/** What a change is: another state, another entry, another observation. */
function keyOf({ rollout }: RolloutView): string {
  if (rollout.state === 'none' || rollout.state === 'unreadable') return rollout.state;
  return JSON.stringify([rollout.head, rollout.evidence]);
}

function isOver({ rollout }: RolloutView): boolean {
  return ['none', 'completed', 'rolled_back', 'aborted'].includes(rollout.state);
}

/** @throws AppError `rollout.log-edited` */
function sound(seen: RolloutView): RolloutView {
  const { rollout } = seen;
  if (rollout.state !== 'unreadable') return seen;
  throw new AppError('rollout.log-edited', `The log was edited: ${rollout.problem}`, {
    hint: 'Restore the state folder from a copy. Until then the candidate gets nothing.',
    exitCode: ExitCode.GateFailed,
  });
}

function exitCodeOf({ rollout }: RolloutView): ExitCode {
  return rollout.state === 'rolled_back' ? ExitCode.RolledBack : ExitCode.Ok;
}
