import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, ExitCode, messageOf } from '../../../core/errors.ts';
import type { Asked, Done, RolloutControl, Way } from '../../../rollout/control.ts';
import { parsePlan, type Plan } from '../../../rollout/plan.ts';
import { checkSides } from '../../../rollout/sides.ts';
import type { Runtime } from '../../../runtime.ts';
import type { CommandContext, Host } from '../../main.ts';
import { alone, withRollouts } from './open.ts';
import { stateInWords } from './words.ts';

export interface ChangeFlags {
  reason?: string;
  by?: string;
  dryRun?: boolean;
}

export interface RollbackFlags extends ChangeFlags {
  immediate?: boolean;
  partial?: boolean;
  complete?: boolean;
  to?: number;
}

/** `rollout start`. */
export async function startCommand(
  context: CommandContext,
  file: string | undefined,
  flags: ChangeFlags & { draft?: boolean },
): Promise<ExitCode> {
  return withRollouts(context, async ({ control }, runtime) => {
    const plan = file === undefined ? undefined : await readPlan(file, context.host);
    if (plan !== undefined) await checkPlan(plan, runtime);
    const draft = flags.draft === true;
    return change(context, runtime, flags, (asked) =>
      control.start({ ...asked, draft, ...(plan === undefined ? {} : { plan }) }),
    );
  });
}

/** `rollout advance`, `pause`, `resume` and `abort`. */
export async function changeCommand(
  context: CommandContext,
  flags: ChangeFlags,
  what: Exclude<keyof RolloutControl, 'start' | 'rollback'>,
): Promise<ExitCode> {
  return withRollouts(context, ({ control }, runtime) =>
    change(context, runtime, flags, (asked) => control[what](asked)),
  );
}

/** `rollout rollback`. */
export async function rollbackCommand(
  context: CommandContext,
  flags: RollbackFlags,
): Promise<ExitCode> {
  const way = wayOf(flags);
  return withRollouts(context, ({ control }, runtime) =>
    change(context, runtime, flags, (asked) => control.rollback({ ...asked, way })),
  );
}

function wayOf({ partial, complete, to }: RollbackFlags): Way {
  if (to !== undefined) return { kind: 'to', serve: to };
  if (partial === true) return { kind: 'partial' };
  return { kind: complete === true ? 'complete' : 'immediate' };
}

async function change(
  context: CommandContext,
  runtime: Runtime,
  { reason = '', by, dryRun = false }: ChangeFlags,
  work: (asked: Asked) => Done,
): Promise<ExitCode> {
  const { output, host } = context;
  const asked = { by: by ?? operator(host), reason, dryRun };
  const done = dryRun ? work(asked) : await alone(context, runtime, () => work(asked));
  output.result(output.json ? JSON.stringify({ dryRun, ...done }) : doneText(done, dryRun));
  return ExitCode.Ok;
}

function doneText({ rollout, before, after }: Done, dryRun: boolean): string {
  const from = before === undefined ? '' : `${stateInWords(before)} → `;
  const what = `Rollout ${rollout}: ${from}${stateInWords(after)}.`;
  return dryRun ? `${what} (dry run: nothing was changed)` : what;
}

export function operator({ env }: Host): string {
  return env['USER'] ?? env['LOGNAME'] ?? 'unknown';
}

export async function readPlan(file: string, { cwd }: Host): Promise<Plan> {
  const whole = path.resolve(cwd, file);
  const text = await readFile(whole, 'utf8').catch((error: unknown) => {
    throw new AppError('rollout.plan-unreadable', `The plan cannot be read: ${messageOf(error)}`, {
      hint: 'Write one with: aqe-llm rollout plan > rollout.json',
      cause: error,
    });
  });
  return parsePlan(text, file);
}

/** @throws AppError `rollout.sides` */
export async function checkPlan(plan: Plan, runtime: Runtime): Promise<void> {
  const router = await runtime.openRouter({ onEvent: () => {} });
  try {
    checkSides(plan, runtime.config, await router.models());
  } finally {
    await router.close();
  }
}
