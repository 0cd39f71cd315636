import { Option, type Command } from 'commander';
import { COMPLEXITIES, PRIORITIES, TASK_CATEGORIES } from '../../../core/task.ts';
import type { Bind } from '../../main.ts';
import { fraction, wholeNumber } from './options.ts';
import { promptCommand } from './prompt.ts';
import { configureServe } from './serve.ts';

const EXAMPLES = `
Examples:
  aqe-llm route "Which cases does a test of parseDate need?"
  aqe-llm route "Write vitest tests for this module" --file src/slug.ts > slug.test.ts
  git diff | aqe-llm route "Review this change" --file - --private
  aqe-llm route "And for leap years?" --session dates --json

A model is auto, <server>:<model>, or the bare name of a model that a tier has.

Exit codes: 0 answered · 2 usage, configuration or internal failure, and nobody could answer ·
  5 another request holds the session · 130 interrupted`;

/** Declares `route` and its sub-commands. */
export function configure(command: Command, bind: Bind): void {
  // What a sub-command does not know is refused, even where `route` knows it.
  command.enablePositionalOptions();
  withRequestOptions(command.argument('[prompt]', 'what to ask; - or nothing: standard input'))
    .option('--file <path>', 'add a file to the prompt, - for standard input; repeatable', collect)
    .addHelpText('after', EXAMPLES)
    .action(bind(promptCommand));
  configureServe(command.command('serve'), bind);
}

/** The options that say how a request is to be answered. */
function withRequestOptions(command: Command): Command {
  return command
    .option('--model <name>', 'who answers (default: auto)')
    .option('--private', 'never leaves the servers that may see private prompts, whatever fails')
    .option('--session <id>', 'go on with this conversation, or begin it')
    .option('--system <text>', 'the system message')
    .addOption(new Option('--category <name>', 'the kind of work').choices(TASK_CATEGORIES))
    .addOption(new Option('--complexity <level>', 'how hard it is').choices(COMPLEXITIES))
    .addOption(
      new Option('--priority <level>', 'how soon it is needed (default: medium)').choices(
        PRIORITIES,
      ),
    )
    .option('--agent <name>', 'which agent asks, as in qe-test-generator')
    .option('--max-tokens <n>', 'most tokens of the answer', wholeNumber(1, 131_072))
    .option('--temperature <t>', 'sampling temperature, 0 is greedy', fraction(0, 2))
    .option('--seed <n>', 'seed of the sampling', wholeNumber(0, 2 ** 31 - 1));
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
