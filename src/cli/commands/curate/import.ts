import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { AppError, ExitCode, messageOf } from '../../../core/errors.ts';
import { importPatterns } from '../../../patterns/exchange/import.ts';
import { readPatterns, type ImportFormat } from '../../../patterns/exchange/read.ts';
import { plural } from '../../../quality/reports/format.ts';
import { describe } from '../../../routing/describe.ts';
import type { CommandContext } from '../../main.ts';
import { withPatterns } from './open.ts';

interface ImportFlags {
  format?: ImportFormat;
  dryRun?: boolean;
}

/** `curate import`: adds the patterns of a file, all or none. */
export async function importCommand(
  context: CommandContext,
  file: string,
  { format, dryRun = false }: ImportFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  const name = file === '-' ? 'standard input' : file;
  const lines = readPatterns(await contentOf(context, file), format ?? formatOf(file), name);
  if (dryRun) {
    output.result(
      output.json
        ? JSON.stringify({ file: name, patterns: lines.length, dryRun: true })
        : `${plural(lines.length, 'pattern')} could be imported. Nothing was changed.`,
    );
    return ExitCode.Ok;
  }
  return withPatterns(context, async ({ store, embedder }, runtime) => {
    const progress = await output.progress();
    try {
      const events = importPatterns({
        lines,
        file: name,
        store,
        embedder,
        categoryOf: (prompt) =>
          describe({ messages: [{ role: 'user', content: prompt }] }).category,
        now: runtime.clock.now(),
        signal: host.signal,
      });
      for await (const event of events) {
        if (event.type === 'embedded') {
          progress.update(`${event.done} of ${event.of} prompts embedded`);
          continue;
        }
        await store.settle((left) => progress.update(`indexing: ${left} left`));
        progress.stop();
        const { added, known } = event;
        const total = store.count();
        output.result(
          output.json
            ? JSON.stringify({ file: name, added, known, total })
            : `${plural(added, 'pattern')} added${known === 0 ? '' : `, ${known} were there before`}; ${total} in all.`,
        );
      }
    } finally {
      progress.stop();
    }
    return ExitCode.Ok;
  });
}

function formatOf(file: string): ImportFormat {
  return path.extname(file).toLowerCase() === '.csv' ? 'csv' : 'jsonl';
}

async function contentOf({ host }: CommandContext, file: string): Promise<string> {
  if (file === '-') return text(host.stdin);
  try {
    return await readFile(path.resolve(host.cwd, file), 'utf8');
  } catch (error) {
    throw new AppError('patterns.no-file', `${file} cannot be read: ${messageOf(error)}`, {
      hint: 'Give a file of patterns, one JSON object a line, or a CSV file with a header.',
      cause: error,
    });
  }
}
