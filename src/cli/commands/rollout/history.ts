import Table from 'cli-table3';
import { AppError, ExitCode } from '../../../core/errors.ts';
import { NO_BORDERS, oneLine } from '../../../quality/reports/format.ts';
import type { ChainedEntry } from '../../../rollout/log.ts';
import { readLog } from '../../../rollout/read.ts';
import type { CommandContext } from '../../main.ts';
import { localTime } from '../route/words.ts';
import { withRollouts } from './open.ts';
import { eventInWords } from './words.ts';

export interface HistoryFlags {
  verify?: boolean;
  head?: string;
  limit?: number;
}

const LIMIT = 50;

/** `rollout history`: what was done, by whom and why; `--verify` whether the log is as it was written. */
export async function historyCommand(
  context: CommandContext,
  { verify = false, head, limit = LIMIT }: HistoryFlags,
): Promise<ExitCode> {
  const { output } = context;
  return withRollouts(context, async ({ store }) => {
    const log = readLog(store);
    if (log.state === 'broken') {
      throw new AppError('rollout.log-edited', `The log was edited: ${log.problem}`, {
        hint: 'Restore the state folder from a copy. Until then the candidate gets nothing.',
        exitCode: ExitCode.GateFailed,
      });
    }
    const entries = log.state === 'intact' ? log.entries : [];
    if (head !== undefined && !entries.some(({ hash }) => hash.startsWith(head))) {
      throw new AppError('rollout.log-edited', `The log has no entry ${head}.`, {
        hint: 'It was written anew since somebody noted that hash.',
        exitCode: ExitCode.GateFailed,
      });
    }
    if (verify || head !== undefined) {
      const newest = entries.at(-1)?.hash ?? null;
      const count = entries.length;
      output.result(
        output.json
          ? JSON.stringify({ intact: true, entries: count, head: newest })
          : `The log is as it was written: ${count} entries, head ${newest ?? 'none'}.`,
      );
      return ExitCode.Ok;
    }
    const shown = entries.slice(-limit);
    if (output.json) {
      const told = shown.map(({ entry, hash }) => ({ ...entry, hash }));
      output.result(JSON.stringify({ entries: told }));
    } else if (shown.length === 0) output.result('There was no rollout.');
    else output.result(historyTable(shown, output.width));
    return ExitCode.Ok;
  });
}

const HEAD = ['#', 'when', 'who', 'what'] as const;
/** Columns between two columns, and the least that is left to the reasons. */
const GAP = 2;
const LEAST_WHY = 16;
/** Names of people may be long. */
const MOST_WHO = 18;

function historyTable(entries: readonly ChainedEntry[], width: number): string {
  const rows = entries.map(({ entry }) => [
    String(entry.seq),
    localTime(entry.at).slice(0, 16),
    oneLine(entry.actor.replace(/^operator:/, '')),
    eventInWords(entry),
  ]);
  const widths = HEAD.map((title, column) => {
    const longest = Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0));
    return (title === 'who' ? Math.min(longest, MOST_WHO) : longest) + GAP;
  });
  const used = widths.reduce((sum, each) => sum + each, 0);
  const table = new Table({
    head: [...HEAD, 'why'],
    colWidths: [...widths, Math.max(LEAST_WHY, width - used)],
    wordWrap: true,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP, compact: true },
    chars: NO_BORDERS,
  });
  for (const [index, row] of rows.entries()) {
    table.push([...row, oneLine(entries[index]?.entry.reason ?? '')]);
  }
  return table.toString().replaceAll(/[ ]+$/gm, '');
}
