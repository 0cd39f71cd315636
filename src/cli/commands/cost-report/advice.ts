import { Chalk } from 'chalk';
import { ExitCode } from '../../../core/errors.ts';
import { costReport } from '../../../ledger/report/report.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { wrap } from '../../output/layout.ts';
import { formatRange } from './report/words.ts';
import { optionsOf, type ReportFlags } from './run.ts';

/** `aqe-llm cost-report advice`: what to change, the largest saving first. */
export async function adviceCommand(
  context: CommandContext,
  flags: Pick<ReportFlags, 'since' | 'until' | 'timezone'>,
): Promise<ExitCode> {
  const { output } = context;
  const runtime = await runtimeFor(context);
  const { advice, since, until } = costReport({
    ...optionsOf(runtime, flags),
    by: [],
    limit: undefined,
    withAdvice: true,
  });
  if (output.json) {
    output.result(JSON.stringify({ since, until, advice }, null, 2));
    return ExitCode.Ok;
  }
  const paint = new Chalk({ level: output.color ? 1 : 0 });
  const lines = advice.flatMap(({ title, detail, action, savedPerMonthUsd, effort, evidence }) => [
    `${paint.bold(title)}  ${savedPerMonthUsd === null ? '' : `${paint.green(`${formatRange(savedPerMonthUsd)} a month`)}, `}effort ${effort}, ${evidence.rows} attempts`,
    ...wrap(detail, output.width - 2).map((line) => `  ${line}`),
    ...wrap(`→ ${action}`, output.width - 2).map((line) => `  ${line}`),
    ...(evidence.examples.length === 0
      ? []
      : [`  ${paint.dim(`aqe-llm route explain <id>: ${evidence.examples.join(', ')}`)}`]),
    '',
  ]);
  output.result(
    lines.length === 0 ? 'Nothing to change was found in this time.' : lines.join('\n').trimEnd(),
  );
  return ExitCode.Ok;
}
