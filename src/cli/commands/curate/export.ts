import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AppError, ExitCode, messageOf } from '../../../core/errors.ts';
import { exportLines, summaryOf } from '../../../patterns/exchange/export.ts';
import { plural } from '../../../quality/reports/format.ts';
import type { CommandContext } from '../../main.ts';
import { filterOf, type FilterFlags } from './filter.ts';
import { withPatterns } from './open.ts';

interface ExportFlags extends FilterFlags {
  vectors?: boolean;
}

/** `curate export`: the patterns as lines that `curate import` reads. */
export async function exportCommand(
  context: CommandContext,
  file: string,
  { vectors = false, ...flags }: ExportFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  const filter = filterOf(flags);
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

/** The file is there whole or not at all. */
async function writeWhole(
  target: string,
  name: string,
  lines: Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  const part = `${target}.part`;
  try {
    const handle = await open(part, 'w');
    try {
      for (const line of lines) {
        signal.throwIfAborted();
        await handle.write(`${line}\n`);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    if (error instanceof AppError) throw error;
    throw new AppError('patterns.unwritable', `${name} cannot be written: ${messageOf(error)}`, {
      hint: 'Choose a file in a folder that exists and can be written.',
      cause: error,
    });
  }
}
