import { Option, type Command } from 'commander';
import { COMPLEXITIES, PRIORITIES, TASK_CATEGORIES } from '../../../core/task.ts';
import { REQUEST_STATES } from '../../../ledger/ledger.ts';
import { TIERS, type Source } from '../../../routing/decision.ts';
import type { Bind } from '../../main.ts';
import { configureBatch } from './batch.ts';
import { chatCommand } from './chat.ts';
import { explainCommand } from './explain.ts';
import { historyCommand } from './history.ts';
import { flagsOf, fraction, refuseForeign, someOf, when, wholeNumber } from './options.ts';
import { promptCommand } from './prompt.ts';
import { configureServe } from './serve.ts';

const EXAMPLES = `
Examples:
  aqe-llm route "Which cases does a test of parseDate need?"
  aqe-llm route "Write vitest tests for this module" --file src/slug.ts > slug.test.ts
  git diff | aqe-llm route "Review this change" --file - --private
  aqe-llm route "And for leap years?" --session dates --json
  aqe-llm route chat --system "You are a terse reviewer."
  aqe-llm route explain 4wd6
  aqe-llm route explain "Find the race in this test" --private
  aqe-llm route history --since 2h --status failed
  aqe-llm route batch prompts.jsonl -o answers.jsonl
  aqe-llm route serve

A model is auto, <server>:<model>, or the bare name of a model that a tier has.

Exit codes: 0 answered · 2 usage, configuration or internal failure, and nobody could answer ·
  5 another request holds the session · 130 interrupted`;

const SOURCES = Object.keys({
  cli: true,
  chat: true,
  batch: true,
  library: true,
  openai: true,
  anthropic: true,
  ollama: true,
} satisfies Record<Source, true>);

/** Declares `route` and its sub-commands. */
export function configure(command: Command, bind: Bind): void {
  command.hook('preSubcommand', refuseForeign);
  withRequestOptions(command.argument('[prompt]', 'what to ask; - or nothing: standard input'))
    .option('--file <path>', 'add a file to the prompt, - for standard input; repeatable', collect)
    .addHelpText('after', EXAMPLES)
    .action(bind(promptCommand));
  withRequestOptions(
    command.command('explain').argument('[id or prompt]', 'the first characters of an id do'),
  )
    .description('why a request went where it went, or where a prompt would go now')
    .option('--file <path>', 'add a file to the prompt, - for standard input; repeatable', collect)
    .action(
      bind((context, asked: string | undefined, _flags: object, called: Command) =>
        explainCommand(context, asked, flagsOf(called)),
      ),
    );
  withRequestOptions(command.command('chat'))
    .description('a conversation, line by line')
    .action(
      bind((context, _flags: object, called: Command) => chatCommand(context, flagsOf(called))),
    );
  command
    .command('history')
    .description('the recorded requests, the newest first')
    .option('--since <time>', 'as in 2h, 3d or 2026-11-24T09:30', when)
    .option('--until <time>', 'the same; what came before it', when)
    .option('--status <names>', `some of ${REQUEST_STATES.join(', ')}`, someOf(REQUEST_STATES))
    .addOption(new Option('--tier <name>', 'chosen or answering').choices(TIERS))
    .option('--target <spec>', 'chosen or answering, as in ollama:rnj-1')
    .option('--policy <id>', 'who decided')
    .addOption(new Option('--category <name>', 'the kind of work').choices(TASK_CATEGORIES))
    .option('--session <id>', 'of this conversation')
    .option('--agent <name>', 'of this agent')
    .addOption(new Option('--source <name>', 'who asked').choices(SOURCES))
    .option('--limit <n>', 'at most so many (default: 20)', wholeNumber(1, 100_000))
    .action(
      bind((context, _flags: object, called: Command) => historyCommand(context, flagsOf(called))),
    );
  configureBatch(command, bind);
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
    .option(
      '--scope <key=value>',
      'what the answer depends on, as in repository=shop: memory keeps to it; repeatable',
      collect,
    )
    .option('--max-tokens <n>', 'most tokens of the answer', wholeNumber(1, 131_072))
    .option('--temperature <t>', 'sampling temperature, 0 is greedy', fraction(0, 2))
    .option('--seed <n>', 'seed of the sampling', wholeNumber(0, 2 ** 31 - 1));
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
