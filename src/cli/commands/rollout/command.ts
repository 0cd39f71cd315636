import { Option, type Command } from 'commander';
import { PHASES } from '../../../rollout/gates/criteria.ts';
import type { Bind } from '../../main.ts';
import { fraction, wholeNumber } from '../route/options.ts';
import { changeCommand, rollbackCommand, startCommand } from './change.ts';
import { explainCommand } from './explain.ts';
import { gatesCommand } from './gates.ts';
import { historyCommand } from './history.ts';
import { planCommand } from './plan.ts';
import { statusCommand } from './status.ts';

const EXAMPLES = `
Examples:
  aqe-llm rollout plan > rollout.json
  aqe-llm rollout start rollout.json --reason "week 5"
  aqe-llm rollout status --watch
  aqe-llm rollout advance --dry-run
  aqe-llm rollout advance --reason "week 6"
  aqe-llm rollout rollback                  everything back to the reference, at once
  aqe-llm rollout rollback --partial        the candidate keeps 20 %, watched more closely
  aqe-llm rollout rollback --complete       nobody but the reference is asked any more
  aqe-llm rollout rollback --to 50
  aqe-llm rollout explain session-42
  aqe-llm rollout history --verify
  aqe-llm rollout gates --phase 2

Requests move in the gateway (aqe-llm route serve) and in route, within a quarter of a second. What
does harm goes back by itself while the gateway runs.

Exit codes: 0 done · 1 harm is shown, a gate is NO-GO, or the log was edited · 2 usage,
  configuration or internal failure, and nothing was changed · 3 the rollout was rolled back ·
  4 no evidence to advance on, or a gate not known · 5 another operator is at it · 130 interrupted`;

/** Declares `rollout` and its sub-commands. */
export function configure(command: Command, bind: Bind): void {
  command.addHelpText('after', EXAMPLES);
  command
    .command('plan')
    .argument('[file]', 'a plan to check')
    .description('print the default plan, or check one and print it whole')
    .action(bind(planCommand));
  withReason(command.command('start').argument('[file]', 'the plan; the draft without one'))
    .description('begin: the candidate runs in the shadow of the reference')
    .option('--draft', 'only write it down; start without a file begins it')
    .action(bind(startCommand));
  command
    .command('status')
    .description('where it is, what is known, what would move it')
    .option('--watch', 'draw it anew as it changes, until it is over')
    .action(bind(statusCommand));
  withReason(command.command('advance'))
    .description('to the next step, where the evidence is there')
    .action(bind((context, flags: object) => changeCommand(context, flags, 'advance')));
  withReason(command.command('pause'))
    .description('stay at this share; it is watched on')
    .action(bind((context, flags: object) => changeCommand(context, flags, 'pause')));
  withReason(command.command('resume'))
    .description('go on after a pause')
    .action(bind((context, flags: object) => changeCommand(context, flags, 'resume')));
  withReason(command.command('rollback'))
    .description('back: everything to the reference, or to a smaller share')
    .addOption(
      new Option('--immediate', 'everything in scope to the reference (the default)').conflicts([
        'partial',
        'complete',
        'to',
      ]),
    )
    .addOption(
      new Option('--partial', 'down to 20 %, paused and cautious').conflicts(['complete', 'to']),
    )
    .addOption(
      new Option('--complete', 'nobody but the reference, out of scope as well').conflicts('to'),
    )
    .option('--to <per cent>', 'down to this share, paused there', fraction(0, 100))
    .action(bind(rollbackCommand));
  withReason(command.command('abort'))
    .description('end it: the configuration decides again')
    .action(bind((context, flags: object) => changeCommand(context, flags, 'abort')));
  command
    .command('history')
    .description('what was done, by whom and why')
    .option('--verify', 'whether the log is as it was written')
    .option('--head <hash>', 'verify, and that this entry is in it')
    .option('--limit <n>', 'at most so many (default: 50)', wholeNumber(1, 100_000))
    .action(bind(historyCommand));
  command
    .command('explain')
    .argument('[unit]', 'a session, or the id of a request without one')
    .description('why it is where it is; or which side a unit is on')
    .action(bind(explainCommand));
  command
    .command('gates')
    .description(
      'the GO/NO-GO decisions, each criterion with its figure, its source and what comes of it',
    )
    .addOption(new Option('--phase <n>', 'this one only').choices(PHASES))
    .option('--evidence <file>', 'what is not measured here, said by somebody, as JSON')
    .action(bind(gatesCommand));
}

/** The options of whatever changes a rollout. */
function withReason(command: Command): Command {
  return command
    .option('--reason <text>', 'why, for the log')
    .option('--by <name>', 'who (default: the user of the machine)')
    .option('--dry-run', 'say what would be, and change nothing');
}
