import path from 'node:path';
import { AppError, ExitCode } from '../../../core/errors.ts';
import { makeDataset } from '../../../patterns/dataset/dataset.ts';
import { writeDataset } from '../../../patterns/dataset/write-dataset.ts';
import { exportLines, summaryOf } from '../../../patterns/exchange/export.ts';
import type { PatternFilter } from '../../../patterns/store.ts';
import { plural } from '../../../quality/reports/format.ts';
import type { CommandContext } from '../../main.ts';
import { writeWhole } from '../../write-whole.ts';
import { filterOf, type FilterFlags } from './filter.ts';
import { withPatterns } from './open.ts';

export const EXPORT_FORMATS = ['jsonl', 'huggingface'] as const;

interface ExportFlags extends FilterFlags {
  format: (typeof EXPORT_FORMATS)[number];
  vectors?: boolean;
}

/** `curate export`: the patterns as lines that `curate import` reads, or as a data set to train with. */
export async function exportCommand(
  context: CommandContext,
  file: string,
  { format, vectors = false, ...flags }: ExportFlags,
): Promise<ExitCode> {
  const filter = filterOf(flags);
  if (format === 'jsonl') return exportJsonl(context, file, filter, vectors);
  if (vectors || file === '-') {
    throw new AppError('usage.export', 'A data set has no vectors, and needs a folder.', {
      hint: 'As in: aqe-llm curate export dataset --format huggingface',
    });
  }
  return exportDataset(context, file, filter);
}

async function exportJsonl(
  context: CommandContext,
  file: string,
  filter: PatternFilter,
  vectors: boolean,
): Promise<ExitCode> {
  const { host, output } = context;
  return withPatterns(context, async ({ store, embedder }) => {
    const lines = exportLines(store, filter, { vectors, embedder: embedder.id });
    if (file === '-') {
      for (const line of lines) {
        host.signal.throwIfAborted();
        output.result(line);
      }
      return ExitCode.Ok;
    }
    const target = path.resolve(host.cwd, file);
    await writeWhole(target, file, lines, host.signal);
    const summary = summaryOf(store, filter);
    output.result(
      output.json
        ? JSON.stringify({ file: target, ...summary })
        : `${plural(summary.patterns, 'pattern')} in ${file} (content SHA-256 ${summary.sha256}).`,
    );
    return ExitCode.Ok;
  });
}

async function exportDataset(
  context: CommandContext,
  folder: string,
  filter: PatternFilter,
): Promise<ExitCode> {
  const { host, output } = context;
  return withPatterns(context, async ({ store }, { clock }) => {
    const progress = await output.progress();
    try {
      progress.update('Choosing the patterns');
      const dataset = await makeDataset({
        store,
        filter,
        now: clock.now(),
        signal: host.signal,
        onProgress: (done, of) => progress.update(`${done} of ${of} looked through for secrets`),
      });
      const { splits, account, sample } = dataset;
      if (account.rows === 0) {
        throw new AppError('patterns.no-rows', 'No pattern is fit for a data set.', {
          hint: 'Rows need a confidence of 0.8 and three uses; --min-confidence and --min-uses ask for less.',
        });
      }
      const target = path.resolve(host.cwd, folder);
      await writeDataset(dataset, target, folder);
      progress.stop();
      const rows = {
        train: splits.train.length,
        validation: splits.validation.length,
        test: splits.test.length,
      };
      const { patterns, unfit, duplicates, unbalanced, secrets } = account;
      output.result(
        output.json
          ? JSON.stringify({ folder: target, ...account, splits: rows, sample: sample.length })
          : [
              `${plural(account.rows, 'row')} in ${folder}: ${rows.train} train, ${rows.validation} validation, ${rows.test} test.`,
              `Of ${plural(patterns, 'pattern')} ${unfit} were not fit, ${duplicates} duplicates, ${unbalanced} out of balance; ${plural(secrets, 'secret')} redacted.`,
              `Look through the ${sample.length} rows of ${folder}/review-sample.jsonl before anything is trained.`,
            ].join('\n'),
      );
      return ExitCode.Ok;
    } finally {
      progress.stop();
    }
  });
}
