import { Chalk } from 'chalk';
import Table from 'cli-table3';
import { ExitCode } from '../../../core/errors.ts';
import { lineOf } from '../../../patterns/exchange/line.ts';
import { confidenceOf, type Pattern } from '../../../patterns/pattern.ts';
import type { ListOptions } from '../../../patterns/store.ts';
import { clip, NO_BORDERS, NONE, oneLine } from '../../../quality/reports/format.ts';
import type { CommandContext } from '../../main.ts';
import { filterOf, type FilterFlags } from './filter.ts';
import { withPatterns } from './open.ts';

interface ListFlags extends FilterFlags {
  order: NonNullable<ListOptions['order']>;
  limit?: number;
}

/** `curate list`: the patterns that are there. */
export async function listCommand(
  context: CommandContext,
  { order, limit = 20, ...flags }: ListFlags,
): Promise<ExitCode> {
  const { output } = context;
  const filter = filterOf(flags);
  return withPatterns(context, async ({ store, embedder }) => {
    const total = store.count(filter);
    const patterns = store.list(filter, { order, limit });
    if (output.json) {
      const { embedder: of = embedder.id, dimension } = store.space() ?? {};
      output.result(
        JSON.stringify({ total, embedder: of, dimension, patterns: patterns.map(lineOf) }),
      );
      return ExitCode.Ok;
    }
    if (patterns.length === 0) output.result('No pattern is like that.');
    else output.result(patternTable(patterns, output));
    if (total > patterns.length) {
      output.note(`${patterns.length} of ${total}; --limit shows more.`);
    }
    return ExitCode.Ok;
  });
}

const ID_LENGTH = 12;
const GAP = 2;
/** Columns beside the name, which gets what is left. */
const FIXED = 64;

function patternTable(
  patterns: readonly Pattern[],
  { width, color }: { width: number; color: boolean },
): string {
  const paint = new Chalk({ level: color ? 1 : 0 });
  const isWide = width >= FIXED + 20;
  const table = new Table({
    head: ['id', 'conf.', 'uses', ...(isWide ? ['good/bad', 'verified', 'work'] : []), 'about'].map(
      (head) => paint.dim(head),
    ),
    colAligns: ['left', 'right', 'right', ...(isWide ? (['right', 'left', 'left'] as const) : [])],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP, compact: true },
    chars: NO_BORDERS,
  });
  const room = Math.max(16, width - (isWide ? FIXED : 28));
  for (const pattern of patterns) {
    const { id, belief, uses, outcomes, verified, category, name, quarantine } = pattern;
    const confidence = confidenceOf(belief);
    const shown = confidence.toFixed(2);
    const about = quarantine === undefined ? name : `quarantined (${quarantine}): ${name}`;
    table.push([
      clip(id, ID_LENGTH),
      confidence < 0.7 ? paint.yellow(shown) : paint.green(shown),
      uses,
      ...(isWide
        ? [`${outcomes.good}/${outcomes.bad}`, verified === 'no' ? NONE : verified, category]
        : []),
      clip(oneLine(about), room),
    ]);
  }
  return table.toString().replaceAll(/[ ]+$/gm, '');
}
