import { ExitCode } from '../../../core/errors.ts';
import { DEFAULT_PLAN } from '../../../rollout/plan.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { checkPlan, readPlan } from './change.ts';

/** `rollout plan`: prints the default plan, or checks a file and prints it with all that it leaves out. */
export async function planCommand(
  context: CommandContext,
  file: string | undefined,
): Promise<ExitCode> {
  const { output, host } = context;
  if (file === undefined) {
    output.result(JSON.stringify(DEFAULT_PLAN, null, 2));
    return ExitCode.Ok;
  }
  const plan = await readPlan(file, host);
  await checkPlan(plan, await runtimeFor(context));
  output.result(JSON.stringify(plan, null, 2));
  return ExitCode.Ok;
}
