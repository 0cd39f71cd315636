import { InvalidArgumentError, Option, type Command } from 'commander';
import { CATEGORIES } from '../../../quality/kinds/tellings.ts';
import type { RunPlan } from '../../../quality/run/plan.ts';
import type { Bind } from '../../main.ts';
import { compareCommand } from './compare.ts';
import { EXAMPLES } from './examples.ts';
import { historyCommand } from './history.ts';
import { mergeCommand } from './merge.ts';
import { recordCommand } from './record.ts';
import { initCommand } from './init.ts';
import { runCommand } from './run.ts';
import { buildCommand, checkCommand } from './suite.ts';
import { validateCommand } from './validate.ts';

type Thresholds = RunPlan['thresholds'];

/** Declares `baseline` and its sub-commands. */
export function configure(command: Command, bind: Bind): void {
  declareQuestions(command)
    .option('--candidate <side>', 'what is judged; again for more (default: embedded)', collect)
    .option('--reference <side>', 'what it is compared with (default: replay:gold)')
    .addOption(
      new Option('--rubric <name>', 'how coverage becomes points').choices(['linear', 'plan']),
    )
    .option('--shard <n/of>', 'only one part of the tasks; `baseline merge` joins them', shard)
    .option(
      '--threshold <category=ratio>',
      'the least ratio of a category; again for more',
      threshold,
    )
    .addOption(
      new Option('--resume [run]', 'go on with this run, or the newest unfinished one').conflicts([
        ...QUESTIONS,
        'candidate',
        'reference',
        'rubric',
        'shard',
        'threshold',
      ]),
    )
    .option(
      '--retry-errors',
      'with --resume: ask again where infrastructure failed (without: of the newest run)',
    );
  declareReports(command)
    .option('--answers', 'with --json: the answers too')
    .option('--allow-unsafe-exec', 'run answers without a sandbox where there is none')
    .addHelpText('after', EXAMPLES.baseline)
    .action(bind(runCommand));

  // An option that `baseline` has as well is its own wherever it stands, so sub-commands look at both.
  declareQuestions(command.command('record'))
    .argument('<side>', 'a live side, as in anthropic:claude-sonnet-5-5')
    .requiredOption(
      '--out <file>',
      'where the answers go (.jsonl); what is there is not asked again',
    )
    .description('keep the answers of a side in a file, for replay:<file>')
    .addHelpText('after', EXAMPLES.record)
    .action(
      bind((context, side: string, _flags: object, called: Command) =>
        recordCommand(context, side, called.optsWithGlobals()),
      ),
    );
  declareReports(command.command('merge'))
    .argument('<files...>', 'what the shards printed with --json')
    .option(
      '--suite <folder>',
      'the suite, for the sources on the page (default: the configured one)',
    )
    .description('one verdict from the shards of a run')
    .addHelpText('after', EXAMPLES.merge)
    .action(
      bind((context, files: string[], _flags: object, called: Command) =>
        mergeCommand(context, files, called.optsWithGlobals()),
      ),
    );
  command
    .command('compare')
    .argument('<before>', 'a run or the file of its JSON; #<candidate> where it has several')
    .argument('<after>', 'the same')
    .option('--fail-if-worse', 'exit 1 when the whole interval of the difference is below 0')
    .description('which tasks changed between two runs, and by how much')
    .addHelpText('after', EXAMPLES.compare)
    .action(
      bind((context, before: string, after: string, _flags: object, called: Command) =>
        compareCommand(context, before, after, called.optsWithGlobals()),
      ),
    );
  command
    .command('history')
    .option('--candidate <side>', 'only verdicts on this side; again for more', collect)
    .option('--limit <n>', 'at most so many', wholeNumber(1), 20)
    .description('earlier verdicts, the newest first')
    .addHelpText('after', EXAMPLES.history)
    .action(
      bind((context, _flags: object, called: Command) =>
        historyCommand(context, called.optsWithGlobals()),
      ),
    );
  command
    .command('validate')
    .description('many generated tasks through the router: is the fleet independent?')
    .option('--suite <folder>', 'the suite whose tasks are varied (default: the built-in qe-100)')
    .option(
      '--candidate <side>',
      'router (the configured tiers, the default), replay:gold, replay:empty, or <server>:<model>',
      collect,
    )
    .option('--tasks <n>', 'how many (default: 10000)', wholeNumber(1))
    .option(
      '--grade <n>',
      'how many answers are graded by running them (default: 200)',
      wholeNumber(0),
    )
    .option('--seed <n>', 'seed of the variations and of sampling', wholeNumber(0))
    .option('--max-tokens <n>', 'most tokens of one answer', wholeNumber(16))
    .option('--temperature <t>', 'sampling temperature', temperature)
    .option(
      '--concurrency <n>',
      'requests at a time (default: 1, or the cores for replays)',
      wholeNumber(1),
    )
    .option(
      '--monthly-requests <n>',
      'what a month is reckoned with (default: 43200)',
      wholeNumber(0),
    )
    .option('--infrastructure-usd <n>', 'dollars a month for machines (default: 0)', wholeNumber(0))
    .option('--resume [run]', 'go on with this run, or the newest unfinished one')
    .option('--markdown <file>', 'append a Markdown summary')
    .option('--allow-unsafe-exec', 'run answers without a sandbox where there is none')
    .addHelpText('after', EXAMPLES.validate)
    .action(
      bind((context, _flags: object, called: Command) =>
        validateCommand(context, called.optsWithGlobals()),
      ),
    );
  const suite = command
    .command('suite')
    .description('make a suite of your own code, measure one, or prove one sound');
  suite
    .command('init')
    .description('make a suite of your own modules and the tests that they have')
    .requiredOption('--from <folder>', 'your sources, a package or one file')
    .option('--out <folder>', 'the new suite (default: aqe-suite)')
    .option('--max <n>', 'most tasks (default: 20)', wholeNumber(1))
    .option(
      '--coverage <file>',
      'coverage-final.json or lcov.info (default: where runners leave it)',
    )
    .option('--dry-run', 'only tell what would be tried and what is refused')
    .option('--allow-unsafe-exec', 'run tests without a sandbox where there is none')
    .addHelpText('after', EXAMPLES.init)
    .action(
      bind((context, _flags: object, called: Command) =>
        initCommand(context, called.optsWithGlobals()),
      ),
    );
  suite
    .command('check')
    .argument('[folder]', 'the suite (default: the built-in qe-100)')
    .description('reference passes, mutants die, gold scores at least 9.5, empty at most 0.5')
    .option('--allow-unsafe-exec', 'run tests without a sandbox where there is none')
    .addHelpText('after', EXAMPLES.check)
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
    .addHelpText('after', EXAMPLES.build)
    .action(
      bind((context, folder: string, _flags: object, called: Command) =>
        buildCommand(context, folder, called.optsWithGlobals()),
      ),
    );
}

/** The keys of the options that say what is asked; a run that is taken up has its own. */
const QUESTIONS = ['quick', 'suite', 'filter', 'seed', 'repeat', 'maxTokens', 'temperature'];

function declareQuestions(command: Command): Command {
  return command
    .option(
      '--quick',
      'only the few tasks that the suite marks as quick, answers of at most 768 tokens',
    )
    .option('--suite <folder>', 'the suite (default: the built-in qe-100)')
    .option(
      '--filter <tasks>',
      'category=…, complexity=… or id=… (* for anything), several with commas; again for more',
      collect,
    )
    .option('--repeat <n>', 'ask each task so often', wholeNumber(1))
    .option('--seed <n>', 'seed of sampling and bootstrap', wholeNumber(0))
    .option('--max-tokens <n>', 'most tokens of one answer', wholeNumber(16))
    .option('--temperature <t>', 'sampling temperature', temperature)
    .option('--max-cost <usd>', 'stop before a request that could pass it (US dollars)', dollars)
    .option('--threads <n>', 'threads of the embedded engine', wholeNumber(1));
}

function declareReports(command: Command): Command {
  return command
    .option('--html <file>', 'where the page goes (default: in the state folder)')
    .option('--junit <file>', 'write a JUnit file')
    .option('--markdown <file>', 'append a Markdown summary (CI: "$GITHUB_STEP_SUMMARY")')
    .option('--allow-marginal', 'exit 0 on MARGINAL');
}

function collect(value: string, before: string[] = []): string[] {
  return [...before, value];
}

function shard(text: string): { index: number; of: number } {
  const [, index, of] = /^(\d{1,4})\/(\d{1,4})$/.exec(text) ?? [];
  const parts = { index: Number(index), of: Number(of) };
  if (!(parts.index >= 1 && parts.index <= parts.of)) {
    throw new InvalidArgumentError('expected a shard and how many there are, as in 2/4');
  }
  return parts;
}

function threshold(text: string, before: Thresholds = {}): Thresholds {
  const [, name, ratio] = /^([\w-]+)=(\d*\.?\d+)$/.exec(text) ?? [];
  const category = CATEGORIES.find((known) => known === name);
  if (category === undefined || !(Number(ratio) <= 2)) {
    throw new InvalidArgumentError(
      `expected ${CATEGORIES.join(', ')} and a ratio, as in ${CATEGORIES[0] ?? ''}=0.9`,
    );
  }
  return { ...before, [category]: Number(ratio) };
}

function dollars(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && Number.isFinite(value))) {
    throw new InvalidArgumentError('expected an amount of US dollars, as in 2.50');
  }
  return value;
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
