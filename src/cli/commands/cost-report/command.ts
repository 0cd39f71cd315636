import { InvalidArgumentError, Option, type Command } from 'commander';
import { DIMENSIONS, type Dimension } from '../../../ledger/report/result.ts';
import type { Bind } from '../../main.ts';
import { flagsOf, fraction, refuseForeign } from '../route/options.ts';
import { adviceCommand } from './advice.ts';
import { reconcileCommand, type ReconcileFlags } from './reconcile.ts';
import { importPricesCommand, pricesCommand, type ImportFlags } from './prices.ts';
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

const PRICES_EXAMPLES = `
Examples:
  aqe-llm cost-report prices
  aqe-llm cost-report prices import model_prices.json --provider openrouter

Exit codes: 0 ok · 2 a price is missing, two hold at once, or the file has other errors`;

const RECONCILE_EXAMPLES = `
Examples:
  aqe-llm cost-report reconcile claude_api_tokens_2026_11.csv
  aqe-llm cost-report reconcile claude_api_cost_2026_11.csv --workspace Default

Reads the usage and the cost export of Anthropic's console; days are those of UTC.

Exit codes: 0 the same on both sides · 1 differences · 2 usage, configuration or the file's errors`;

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
    .option('--ignore-clock', 'report although attempts are dated wrongly')
    .addHelpText('after', EXAMPLES)
    .action(bind(reportCommand));
  command.hook('preSubcommand', refuseForeign);
  command
    .command('advice')
    .description('what to change, with what it saves, its evidence and the effort')
    .option('--since <time>', 'as in 2026-11 or 30d (default: 30 days)')
    .option('--until <time>', 'the same; what came before it')
    .option('--timezone <name>', 'whose days count')
    .action(
      bind((context, _flags: object, called: Command) => adviceCommand(context, flagsOf(called))),
    );
  const prices = command
    .command('prices')
    .description('the prices that attempts are reckoned by, and what has none')
    .addHelpText('after', PRICES_EXAMPLES)
    .action(bind((context) => pricesCommand(context)));
  prices
    .command('import')
    .argument('<file>', "LiteLLM's model_prices_and_context_window.json, or one in its shape")
    .argument('[out]', 'where they are written', 'prices.json')
    .description('make a file of prices from one in the shape of LiteLLM')
    .option('--provider <name>', 'only those of this provider; repeatable', collect)
    .option('--price-version <text>', 'the version they get (default: litellm-<today>)')
    .option('--force', 'write over a file that is there')
    .action(
      bind((context, file: string, out: string, flags: ImportFlags) =>
        importPricesCommand(context, file, out, flags),
      ),
    );
  command
    .command('reconcile')
    .argument('<file>', "the CSV of the provider's usage or cost")
    .description("lay a provider's export beside the ledger and list what differs")
    .option('--workspace <name>', 'only rows of this workspace')
    .option('--key <name>', 'only rows of this API key')
    .option('--tolerance <share>', 'what may differ untold (default: 0.001)', fraction(0, 1))
    .addHelpText('after', RECONCILE_EXAMPLES)
    .action(
      bind((context, file: string, flags: ReconcileFlags) =>
        reconcileCommand(context, file, flags),
      ),
    );
}

function dimension(value: string, before: readonly Dimension[] = []): Dimension[] {
  const known = DIMENSIONS.find((it) => it === value);
  if (known === undefined)
    throw new InvalidArgumentError(`expected one of ${DIMENSIONS.join(', ')}`);
  return [...before, known];
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
