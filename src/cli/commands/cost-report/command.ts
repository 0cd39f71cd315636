import { InvalidArgumentError, Option, type Command } from 'commander';
import { DIMENSIONS, type Dimension } from '../../../ledger/report/result.ts';
import type { Bind } from '../../main.ts';
import { FORMATS, reportCommand } from './run.ts';

const EXAMPLES = `
Examples:
  aqe-llm cost-report
  aqe-llm cost-report --by day --by model --since 2026-11 --until 2026-12
  aqe-llm cost-report --by agent --since 7d --timezone Europe/Berlin
  aqe-llm cost-report --format focus --since 2026-11 --until 2026-12 -o november.csv
  aqe-llm cost-report --format html -o cost.html
  aqe-llm cost-report --budget 500/month

Without --since the last 30 days are reported. --until is not part of the time.

Exit codes: 0 ok · 2 usage, configuration or internal failure · 3 over the budget`;

/** Declares `cost-report` and its sub-commands. */
export function configure(command: Command, bind: Bind): void {
  command
    .option('--by <what>', `${DIMENSIONS.join(', ')}; repeatable (default: model)`, dimension)
    .option('--since <time>', 'as in 2026-11, 2026-11-24, 2026-11-24T09:30 or 30d')
    .option('--until <time>', 'the same; what came before it')
    .option('--timezone <name>', "whose days count, as Europe/Berlin (default: the machine's)")
    .addOption(new Option('--format <name>', 'how it is written (default: table)').choices(FORMATS))
    .option('-o, --out <file>', 'write it to a file')
    .option('--budget <amount>', 'as 500/month: forecast, alerts, exit code 3 when over')
    .addHelpText('after', EXAMPLES)
    .action(bind(reportCommand));
}

function dimension(value: string, before: readonly Dimension[] = []): Dimension[] {
  const known = DIMENSIONS.find((it) => it === value);
  if (known === undefined)
    throw new InvalidArgumentError(`expected one of ${DIMENSIONS.join(', ')}`);
  return [...before, known];
}
