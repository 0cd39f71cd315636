import { AppError, ExitCode } from '../../../core/errors.ts';
import { isCompared, isServed, placeOf } from '../../../rollout/buckets.ts';
import { stepOf } from '../../../rollout/plan.ts';
import { readLog } from '../../../rollout/read.ts';
import { serveOf, stepAt } from '../../../rollout/state.ts';
import { Drawing } from '../../output/draw.ts';
import type { CommandContext } from '../../main.ts';
import { localTime } from '../route/words.ts';
import { withRollouts } from './open.ts';
import { eventInWords, stateInWords } from './words.ts';

/** `rollout explain`: why it is where it is, and what would move it; with a unit, which side that is on. */
export async function explainCommand(
  context: CommandContext,
  unit: string | undefined,
): Promise<ExitCode> {
  const { output } = context;
  return withRollouts(context, async ({ store, view }) => {
    const log = readLog(store);
    if (log.state !== 'intact') {
      const message =
        log.state === 'empty' ? 'There is no rollout.' : `The log was edited: ${log.problem}`;
      throw new AppError(log.state === 'empty' ? 'rollout.none' : 'rollout.log-edited', message, {
        hint: 'aqe-llm rollout history shows what is known.',
        exitCode: log.state === 'empty' ? ExitCode.Usage : ExitCode.GateFailed,
      });
    }
    const { rollout } = log;
    const { id, plan, salt, state, last } = rollout;
    const serve = serveOf(state);
    if (unit !== undefined) {
      const { bucket } = placeOf(salt, unit);
      const arm = isServed(bucket, serve) ? 'candidate' : 'reference';
      const compared = isCompared(bucket, stepOf(plan, stepAt(plan, serve)).compare);
      const from = plan.steps.find((step) => isServed(bucket, step.serve))?.name ?? null;
      const told = { rollout: id, unit, bucket, serve, arm, side: plan[arm], compared, from };
      output.result(output.json ? JSON.stringify(told) : unitText(told));
      return ExitCode.Ok;
    }
    const seen = view().rollout;
    const status = seen.state === 'none' || seen.state === 'unreadable' ? undefined : seen;
    const unmet = status?.evidence?.needs.filter(({ met }) => !met) ?? [];
    const triggers = status?.triggers ?? [];
    if (output.json) {
      const verdict = status?.evidence?.verdict ?? null;
      output.result(
        JSON.stringify({ rollout: id, state, last, verdict, missing: unmet, triggers }),
      );
      return ExitCode.Ok;
    }
    const drawing = new Drawing(output);
    const dim = drawing.paint.dim;
    drawing.title(`Rollout ${id} is ${stateInWords(state)}`);
    const why = last.reason === '' ? 'no reason was given' : last.reason;
    drawing.field(
      'because',
      `${eventInWords(last)} by ${last.actor.replace(/^operator:/, '')}, ${localTime(last.at)}: ${why}`,
    );
    if (unmet.length > 0) drawing.title('What is missing for the next step');
    for (const { what } of unmet) drawing.item('– ', dim, what);
    if (triggers.length > 0) drawing.title('What would move it');
    for (const trigger of triggers) drawing.item('· ', dim, trigger);
    output.result(drawing.toString());
    return ExitCode.Ok;
  });
}

function unitText(told: {
  unit: string;
  bucket: number;
  serve: number;
  arm: string;
  side: string;
  compared: boolean;
  from: string | null;
}): string {
  const { unit, bucket, serve, arm, side, compared, from } = told;
  const later =
    from === null
      ? 'No step of the plan gives it to the candidate.'
      : `From the step ${from} on it is the candidate's.`;
  const beside = compared ? ' The other side is asked beside it.' : '';
  return `${unit} is in bucket ${bucket} of 10,000; with ${serve} % for the candidate it goes to the ${arm}, ${side}.${beside} ${later}`;
}
