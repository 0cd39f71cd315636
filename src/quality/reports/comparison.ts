import { Chalk } from 'chalk';
import type { ChangedTask, Comparison, Difference } from '../run/compare.ts';
import { formatDifference, formatMean, formatScore, NONE, oneLine, plural } from './format.ts';
import { plainTable } from './table/comparison.ts';
import { wrap } from './table/layout.ts';

const MOST_CHANGED = 30;

const SENTENCES: Record<Comparison['state'], string> = {
  worse: 'WORSE: the whole interval of the difference lies below 0.',
  better: 'BETTER: the whole interval of the difference lies above 0.',
  'no-difference': 'NO DIFFERENCE is shown: the interval of the difference holds 0.',
  unknown: 'UNKNOWN: fewer than two independent tasks can be compared.',
};

/** A comparison for a terminal. Ends with a newline. */
export function comparisonToTable(
  comparison: Comparison,
  { width, color }: { width: number; color: boolean },
): string {
  const paint = new Chalk({ level: color ? 1 : 0 });
  const { before, after, overall, categories, changed, unchanged } = comparison;
  const rows: [string, Difference][] = [
    ...categories.map((each): [string, Difference] => [each.category, each]),
    ['all', overall],
  ];
  const shown = changed.slice(0, MOST_CHANGED);
  const state = {
    worse: paint.red,
    better: paint.green,
    'no-difference': paint.yellow,
    unknown: paint.magenta,
  };
  const blocks = [
    [
      `before  ${oneLine(before.id)}, run ${oneLine(before.runId)}`,
      `after   ${oneLine(after.id)}, run ${oneLine(after.runId)}`,
    ],
    [
      plainTable(
        ['mean score', 'tasks', 'before', 'after', 'difference', '95 % interval'],
        rows.map(([name]) => name),
        rows.map(([, each]) => [
          String(each.compared),
          formatMean(each.before),
          formatMean(each.after),
          signed(each.difference),
          each.lower === null ? NONE : `${signed(each.lower)} to ${signed(each.upper)}`,
        ]),
        width,
        paint,
      ),
    ],
    [
      `${plural(changed.length, 'task')} changed, ${unchanged} did not.`,
      ...(shown.length === 0
        ? []
        : [
            plainTable(
              ['task', 'before', 'after', 'difference'],
              shown.map(labelOf),
              shown.map((task) => [
                task.before === null ? 'error' : formatScore(task.before),
                task.after === null ? 'error' : formatScore(task.after),
                formatDifference(task.after, task.before),
              ]),
              width,
              paint,
            ),
          ]),
      ...(changed.length > shown.length
        ? [`…and ${changed.length - shown.length} more; --json has all.`]
        : []),
    ],
    onlyLines(comparison, width),
    wrap(SENTENCES[comparison.state], width).map((line) => state[comparison.state](line)),
  ];
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function onlyLines({ onlyBefore, onlyAfter }: Comparison, width: number): string[] {
  const line = (name: string, ids: readonly string[]): string[] =>
    ids.length === 0
      ? []
      : wrap(`Only ${name}, not compared: ${ids.slice(0, 20).map(oneLine).join(', ')}`, width);
  return [...line('before', onlyBefore), ...line('after', onlyAfter)];
}

function labelOf({ id, repeat }: ChangedTask): string {
  return repeat === 0 ? id : `${id} #${repeat + 1}`;
}

function signed(value: number | null): string {
  if (value === null) return NONE;
  const sign = value < 0 ? '−' : value > 0 ? '+' : '';
  return `${sign}${Math.abs(value).toFixed(2)}`;
}
