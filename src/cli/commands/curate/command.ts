import { Option, type Command } from 'commander';
import { TASK_CATEGORIES } from '../../../core/task.ts';
import { IMPORT_FORMATS } from '../../../patterns/exchange/read.ts';
import type { Bind } from '../../main.ts';
import { fraction, wholeNumber } from '../route/options.ts';
import { exportCommand } from './export.ts';
import { importCommand } from './import.ts';
import { learnCommand } from './learn.ts';
import { listCommand } from './list.ts';
import { reindexCommand } from './reindex.ts';

const EXAMPLES = `
Examples:
  aqe-llm curate import patterns.jsonl
  aqe-llm curate import reviewed.csv --dry-run
  aqe-llm curate list --below 0.7 --category flaky-detection
  aqe-llm curate list --text interval --json
  aqe-llm curate learn --dry-run
  aqe-llm curate export backup.jsonl --vectors

Exit codes: 0 done · 2 wrong input, usage or internal failure, and nothing was changed ·
  130 interrupted, and nothing was changed`;

/** Declares `curate` and its sub-commands. */
export function configure(command: Command, bind: Bind): void {
  command.addHelpText('after', EXAMPLES);
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
    .description('merge near-duplicates that say the same, and print what changed')
    .option('--dry-run', 'only say what would be merged')
    .action(bind(learnCommand));
  command
    .command('reindex')
    .description('change over to the embedder of the configuration, resumable')
    .action(bind(reindexCommand));
  withFilter(command.command('export'))
    .argument('<file>', 'where they go, - for standard output')
    .description('write the patterns to a file that `import` reads')
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
