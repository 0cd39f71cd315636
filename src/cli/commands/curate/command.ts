import { Argument, Option, type Command } from 'commander';
import { TASK_CATEGORIES } from '../../../core/task.ts';
import { IMPORT_FORMATS } from '../../../patterns/exchange/read.ts';
import type { Bind } from '../../main.ts';
import { fraction, wholeNumber } from '../route/options.ts';
import { EXPORT_FORMATS, exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { learnCommand } from './learn.ts';
import { listCommand } from './list.ts';
import { MIGRATE_STEPS, migrateCommand } from './migrate.ts';
import { reindexCommand } from './reindex.ts';
import { reviewCommand } from './review.ts';

const EXAMPLES = `
Examples:
  aqe-llm curate import patterns.jsonl
  aqe-llm curate import reviewed.csv --dry-run
  aqe-llm curate review
  aqe-llm curate review --category flaky-detection --to review.jsonl
  aqe-llm curate review --from review.jsonl
  aqe-llm curate list --below 0.7 --category flaky-detection
  aqe-llm curate list --text interval --json
  aqe-llm curate learn --dry-run
  aqe-llm curate export backup.jsonl --vectors
  aqe-llm curate migrate start .agentic-qe/agentdb.db
  aqe-llm curate export dataset --format huggingface

Exit codes: 0 done · 1 AgentDB and the store do not hold the same · 2 wrong input, usage or internal failure, and nothing was changed ·
  130 interrupted, and nothing was changed`;

/** Declares `curate` and its sub-commands. */
export function configure(command: Command, bind: Bind): void {
  command.addHelpText('after', EXAMPLES);
  withFilter(command.command('review', { isDefault: true }))
    .description('look at what memory is unsure of, one by one, and decide')
    .option('--to <file>', 'write what waits to a JSONL file, - for standard output')
    .option('--from <file>', 'take in such a file with the decisions, all or none')
    .action(bind(reviewCommand));
  command
    .command('import')
    .argument('<file>', 'JSONL or CSV, - for standard input')
    .description('add the patterns of a file, all or none')
    .addOption(
      new Option('--format <name>', "the file's (default: by its name)").choices(IMPORT_FORMATS),
    )
    .option('--dry-run', 'check the file and change nothing')
    .action(bind(importCommand));
  withFilter(command.command('list'))
    .description('the patterns, the newest first')
    .addOption(
      new Option('--order <name>', 'which come first')
        .choices(['newest', 'least-confident'])
        .default('newest'),
    )
    .option('--limit <n>', 'at most so many (default: 20)', wholeNumber(1, 1_000_000))
    .action(bind(listCommand));
  command
    .command('learn')
    .description(
      'run what nobody has verified, merge near-duplicates, bring confidences in line with outcomes',
    )
    .option('--dry-run', 'only say what would be merged and brought in line')
    .action(bind(learnCommand));
  command
    .command('reindex')
    .description('change over to the embedder of the configuration, resumable')
    .action(bind(reindexCommand));
  command
    .command('migrate')
    .addArgument(new Argument('[step]', 'what to do').choices(MIGRATE_STEPS).default('status'))
    .argument('[file]', "AgentDB's database, for start")
    .description('move over from AgentDB: both are written until you switch; resumable')
    .action(bind(migrateCommand));
  withFilter(command.command('export'))
    .argument('<file>', 'where they go, - for standard output; a folder for a data set')
    .description('write the patterns to a file that `import` reads, or a data set to train with')
    .addOption(
      new Option('--format <name>', 'what is written').choices(EXPORT_FORMATS).default('jsonl'),
    )
    .option('--vectors', 'with the vectors, so that whoever imports them need not make them')
    .action(bind(exportCommand));
}

/** The options that choose patterns. */
function withFilter(command: Command): Command {
  return command
    .addOption(new Option('--category <name>', 'the kind of work').choices(TASK_CATEGORIES))
    .option('--below <confidence>', 'less confident than this', fraction(0, 1))
    .option('--min-confidence <confidence>', 'at least so confident', fraction(0, 1))
    .option('--min-uses <n>', 'used at least so often', wholeNumber(0, 1_000_000_000))
    .option('--quarantined', 'only those that are kept from use')
    .option('--unverified', 'only those that nobody has verified')
    .option('--text <words>', 'that stand in the name or the prompt')
    .option('--scope <key=value>', 'that hold there, as in repository=shop; repeatable', collect);
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}
