import { Chalk, type ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import type { CostReport, Dimension, Figures } from '../../../../ledger/report/result.ts';
import { clip, NO_BORDERS } from '../../../../quality/reports/format.ts';
import { wrap } from '../../../output/layout.ts';
import { summaryLines } from './summary.ts';
import { formatBilled, formatCount, formatShort, formatUsd, partOf } from './words.ts';

interface Column {
  head: string;
  /** Which columns a narrow terminal keeps: the lowest first. */
  rank: number;
  cell: (figures: Figures, count: (value: number) => string) => string;
  /** Left out where it says nothing in any row. */
  isEmpty: (total: Figures) => boolean;
}

const GAP = 2;
/** From here on numbers are written out. */
const WIDE = 130;
/** Columns of a terminal that a part of a key has at least, if it needs them: one alone, or one of several. */
const LEAST_KEY = 24;
const LEAST_KEYS = 14;
const MOST_ROWS = 60;
const always = (): boolean => false;

const COLUMNS: readonly Column[] = [
  { head: 'attempts', rank: 3, cell: ({ attempts }, count) => count(attempts), isEmpty: always },
  { head: 'input', rank: 4, cell: (of, count) => count(of.inputTokens), isEmpty: always },
  {
    head: 'cache read',
    rank: 6,
    cell: (of, count) => count(of.cacheReadTokens),
    isEmpty: (total) => total.cacheReadTokens === 0,
  },
  {
    head: 'write 5m',
    rank: 7,
    cell: (of, count) => count(of.cacheWriteTokens),
    isEmpty: (total) => total.cacheWriteTokens === 0,
  },
  {
    head: 'write 1h',
    rank: 8,
    cell: (of, count) => count(of.cacheWriteHourTokens),
    isEmpty: (total) => total.cacheWriteHourTokens === 0,
  },
  { head: 'output', rank: 5, cell: (of, count) => count(of.outputTokens), isEmpty: always },
  {
    head: 'failed',
    rank: 9,
    cell: ({ failed }, count) => count(failed),
    isEmpty: ({ failed }) => failed === 0,
  },
  {
    head: 'unpriced',
    rank: 1,
    cell: ({ unpriced }, count) => count(unpriced),
    isEmpty: ({ unpriced }) => unpriced === 0,
  },
  {
    head: 'hardware',
    rank: 2,
    cell: ({ hardwareUsd }) => formatUsd(hardwareUsd),
    isEmpty: ({ hardwareUsd }) => hardwareUsd === null,
  },
  { head: 'billed', rank: 0, cell: formatBilled, isEmpty: always },
];

/** The report for a terminal that is so wide. */
export function toTable(
  report: CostReport,
  { width, color }: { width: number; color: boolean },
): string {
  const paint = new Chalk({ level: color ? 1 : 0 });
  const lines = [
    `${paint.bold('Cost')}  ${report.since.slice(0, 16)} to ${report.until.slice(0, 16)}  ${paint.dim(report.timezone)}`,
    '',
    ...(report.total.attempts === 0 && report.total.hardwareUsd === null
      ? ['Nothing was asked in this time.']
      : [table(report, width, paint)]),
    ...summaryLines(report, width, paint),
  ];
  for (const { message } of report.notes) {
    const [first = '', ...others] = wrap(message, width - 2);
    lines.push('', `${paint.yellow('!')} ${first}`, ...others.map((line) => `  ${line}`));
  }
  return lines.join('\n');
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

function table(report: CostReport, width: number, paint: ChalkInstance): string {
  const count = width >= WIDE ? formatCount : formatShort;
  const shown = report.rows.slice(0, MOST_ROWS);
  const by: readonly Dimension[] = report.by;
  const useful = COLUMNS.filter(({ isEmpty }) => !isEmpty(report.total));
  const widths = new Map(
    useful.map((column) => {
      const cells = [report.total, ...shown].map((figures) => column.cell(figures, count).length);
      return [column, Math.max(column.head.length, ...cells) + GAP];
    }),
  );
  const parts = shown.map((row) => by.map((dimension) => partOf(row, dimension)));
  const natural = by.map((dimension, index) =>
    Math.max(dimension.length, ...parts.map((row) => row[index]?.length ?? 0)),
  );
  const least = natural.map((needed) => Math.min(needed, by.length > 1 ? LEAST_KEYS : LEAST_KEY));
  const leastKeys = by.length === 0 ? 'all'.length : sumOf(least);
  let room = width - (leastKeys + GAP * Math.max(1, by.length));
  const kept = new Set<Column>();
  for (const column of useful.toSorted((a, b) => a.rank - b.rank)) {
    const needed = widths.get(column) ?? 0;
    if (room - needed < -GAP) continue;
    room -= needed;
    kept.add(column);
  }
  const columns = useful.filter((column) => kept.has(column));
  const keyWidths = least.map((narrow, index) => {
    const more = Math.max(0, Math.min(room, (natural[index] ?? 0) - narrow));
    room -= more;
    return narrow + more;
  });
  const drawn = new Table({
    head: [...(by.length === 0 ? [''] : by), ...columns.map(({ head }) => head)].map((head) =>
      paint.dim(head),
    ),
    colAligns: [
      ...(by.length === 0 ? ['left' as const] : by.map(() => 'left' as const)),
      ...columns.map(() => 'right' as const),
    ],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP, compact: true },
    chars: NO_BORDERS,
  });
  const cells = (figures: Figures): string[] =>
    columns.map(({ head, cell }) => {
      const text = cell(figures, count);
      return head === 'unpriced' && figures.unpriced > 0 ? paint.yellow(text) : text;
    });
  if (by.length > 0) {
    for (const [place, row] of shown.entries()) {
      const key = keyWidths.map((most, index) => clip(parts[place]?.[index] ?? '', most));
      drawn.push([...key, ...cells(row)]);
    }
  }
  const label = by.map((_, index) => (index === 0 ? 'all' : ''));
  drawn.push(
    [...(label.length === 0 ? ['all'] : label), ...cells(report.total)].map((text) =>
      paint.bold(text),
    ),
  );
  const left = report.rows.length - shown.length;
  const hidden = useful.filter((column) => !kept.has(column)).map(({ head }) => head);
  return [
    drawn.toString().replaceAll(/[ ]+$/gm, ''),
    ...(hidden.length === 0 ? [] : [paint.dim(clip(`no room for ${hidden.join(', ')}`, width))]),
    ...(left > 0 ? [paint.dim(`… and ${formatCount(left)} more rows: --format csv has all`)] : []),
  ].join('\n');
}
