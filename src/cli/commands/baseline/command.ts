import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Bind } from '../../main.ts';
import { runCommand } from './run.ts';
import { buildCommand, checkCommand } from './suite.ts';

const EXAMPLES = `
Examples:
  aqe-llm baseline --quick
  aqe-llm baseline --candidate embedded:qwen2.5-coder-0.5b-instruct --junit baseline.xml
  aqe-llm baseline --candidate ollama:qwen2.5-coder:7b --reference anthropic:claude-sonnet-5-5
  aqe-llm baseline --candidate replay:gold --json
  aqe-llm baseline --resume
  aqe-llm baseline suite check fixtures/suites/qe-100

Sides: embedded (the configured model) · embedded:<model id or GGUF file> ·
  ollama:<model>, vllm:<model>, llama-server:<model>, anthropic:<model>, or any server of the
  configuration · replay:gold and replay:empty (the suite's written answers) ·
  replay:<side> (what that side answered before, from this state folder)

Exit codes: 0 PASS · 1 FAIL, and MARGINAL unless --allow-marginal · 2 usage, configuration or
  internal failure · 4 INCONCLUSIVE · 5 another process works on this run · 130 interrupted`;

/** Declares `baseline` and its sub-commands. */
export function configure(command: Command, bind: Bind): void {
  command
    .option(
      '--quick',
      'only the few tasks that the suite marks as quick, answers of at most 768 tokens',
    )
    .option('--suite <folder>', 'the suite (default: the built-in qe-100)')
    .option('--candidate <side>', 'what is judged (default: embedded)')
    .option('--reference <side>', 'what it is compared with (default: replay:gold)')
    .addOption(
      new Option('--rubric <name>', 'how coverage becomes points').choices(['linear', 'plan']),
    )
    .option('--seed <n>', 'seed of sampling and bootstrap', wholeNumber(0))
    .option('--max-tokens <n>', 'most tokens of one answer', wholeNumber(16))
    .option('--temperature <t>', 'sampling temperature', temperature)
    .option('--threads <n>', 'threads of the embedded engine', wholeNumber(1))
    .addOption(
      new Option('--resume [run]', 'go on with this run, or the newest unfinished one').conflicts([
        'quick',
        'suite',
        'candidate',
        'reference',
        'rubric',
        'seed',
        'maxTokens',
        'temperature',
      ]),
    )
    .option('--html <file>', 'where the page goes (default: in the state folder)')
    .option('--junit <file>', 'write a JUnit file')
    .option('--markdown <file>', 'append a Markdown summary (CI: "$GITHUB_STEP_SUMMARY")')
    .option('--allow-marginal', 'exit 0 on MARGINAL')
    .option('--allow-unsafe-exec', 'run answers without a sandbox where there is none')
    .addHelpText('after', EXAMPLES)
    .action(bind(runCommand));

  // An option that `baseline` has as well is its own wherever it stands, so sub-commands look at both.
  const suite = command
    .command('suite')
    .description('prove a suite sound, or measure one of your own');
  suite
    .command('check')
    .argument('[folder]', 'the suite (default: the built-in qe-100)')
    .description('reference passes, mutants die, gold scores at least 9.5, empty at most 0.5')
    .option('--allow-unsafe-exec', 'run tests without a sandbox where there is none')
    .action(
      bind((context, folder: string | undefined, _flags: object, called: Command) =>
        checkCommand(context, folder, called.optsWithGlobals()),
      ),
    );
  suite
    .command('build')
    .argument('<folder>', 'the suite')
    .description('run each reference, drop equivalent mutants and write measured.json')
    .option('--task <id...>', 'only these tasks')
    .option('--allow-unsafe-exec', 'run tests without a sandbox where there is none')
    .action(
      bind((context, folder: string, _flags: object, called: Command) =>
        buildCommand(context, folder, called.optsWithGlobals()),
      ),
    );
}

function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!Number.isSafeInteger(value) || value < least || value > 2 ** 31 - 1) {
      throw new InvalidArgumentError(`expected a whole number from ${least} on`);
    }
    return value;
  };
}

function temperature(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 2)) {
    throw new InvalidArgumentError('expected a number from 0 to 2');
  }
  return value;
}
