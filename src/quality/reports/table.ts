import { Chalk } from 'chalk';
import type { ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import { tellingOf } from '../kinds/tellings.ts';
import type { BaselineReport, Category, TaskResult, Verdict } from '../result.ts';
import {
  clip,
  formatMean,
  formatMs,
  formatPoints,
  formatRate,
  formatRatio,
  formatScore,
  formatTally,
  NO_BORDERS,
  NONE,
  oneLine,
} from './format.ts';
import {
  differenceOf,
  inCategories,
  marksOf,
  pairTasks,
  pointsOf,
  scoreOf,
  tallyOf,
} from './pairs.ts';
import type { TaskPair } from './pairs.ts';
import { gradedLine, HEADLINES, latencyLine, strictLine, verdictSentence } from './words.ts';

interface TableOptions {
  /** Columns of the terminal; a narrow one gets fewer columns. */
  width: number;
  /** Whether escape codes may be written. */
  color: boolean;
}

interface Column {
  head: string;
  cell: (pair: TaskPair, paint: ChalkInstance) => string;
}

const SCORES: readonly Column[] = [
  { head: 'score', cell: (pair, paint) => paintScore(pair, paint) },
  { head: 'ref.', cell: (pair) => formatScore(scoreOf(pair.reference)) },
];
const LATENCY: Column = { head: 'latency', cell: ({ candidate }) => latency(candidate) };

/** From the fullest on; the first that leaves room for the names of the tasks is taken. */
function layoutsOf(category: Category): readonly (readonly Column[])[] {
  const telling = tellingOf(category);
  const parts = telling.parts.map(({ name, short, max }): Column => ({
    head: `${short}/${max}`,
    cell: ({ candidate }) => formatPoints(pointsOf(candidate, name)),
  }));
  const tallies = telling.tallies.map((column): Column => ({
    head: column.short,
    cell: ({ candidate }) => formatTally(tallyOf(candidate, column)),
  }));
  return [
    [...SCORES, ...parts, ...tallies, LATENCY],
    [...SCORES, ...parts, ...tallies],
    [...SCORES, ...tallies],
  ];
}

const MIN_TASK = 8;
const ENOUGH_TASK = 24;
const GAP = 2;

/** The report for a terminal: a row per task, then means, times and the verdict. Ends with a newline. */
export function toTable(report: BaselineReport, options: TableOptions): string {
  const paint = new Chalk({ level: options.color ? 1 : 0 });
  const pairs = pairTasks(report);
  const lines = [
    ...(pairs.length === 0 ? ['No task was run.', ''] : []),
    ...inCategories(pairs).flatMap(({ category, members }, _, { length }) => [
      ...(length > 1 ? [paint.bold(category)] : []),
      taskTable(category, members, options.width, paint),
      '',
    ]),
    ...summary(report, options.width, paint),
  ];
  return `${lines.join('\n')}\n`;
}

function taskTable(
  category: Category,
  pairs: readonly TaskPair[],
  width: number,
  paint: ChalkInstance,
): string {
  const names = pairs.map((pair) => oneLine(pair.label));
  const longest = Math.max(...names.map((name) => name.length), 'task'.length);
  const layouts = layoutsOf(category).map((columns) => layOut(columns, pairs, width, paint));
  const layout =
    layouts.find(({ room }) => room >= Math.min(longest, ENOUGH_TASK)) ?? layouts.at(-1);
  if (layout === undefined) return '';
  const { columns, cells, room } = layout;
  const timed = columns.includes(LATENCY);
  const notes = pairs.map(({ candidate }) =>
    oneLine(marksOf(candidate, { replayed: !timed }).join(', ')),
  );
  const task = Math.max(MIN_TASK, Math.min(longest, room));
  // Notes stand at the end of the row, or below it where that is too narrow for them.
  const beside = Math.max(...notes.map((note) => note.length)) <= room - task - GAP;
  const heads = ['task', ...columns.map(({ head }) => head), ...(beside ? ['notes'] : [])];
  const table = new Table({
    head: heads.map((head) => paint.dim(head)),
    colAligns: ['left', ...columns.map(() => 'right' as const), 'left'],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP, compact: true },
    chars: NO_BORDERS,
  });
  for (const [index, name] of names.entries()) {
    const note = notes[index] ?? '';
    const row = [clip(name, task), ...(cells[index] ?? [])];
    table.push(beside ? [...row, paint.yellow(note)] : row);
    if (!beside && note !== '') {
      const below = paint.yellow(`  ${clip(note, width - GAP)}`);
      table.push([{ content: below, colSpan: heads.length }]);
    }
  }
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function layOut(
  columns: readonly Column[],
  pairs: readonly TaskPair[],
  width: number,
  paint: ChalkInstance,
): { columns: readonly Column[]; cells: string[][]; room: number } {
  const cells = pairs.map((pair) => columns.map((column) => column.cell(pair, paint)));
  const taken = columns.map(
    ({ head }, index) =>
      GAP + Math.max(head.length, ...cells.map((row) => visible(row[index] ?? ''))),
  );
  return { columns, cells, room: width - taken.reduce((sum, size) => sum + size, GAP) };
}

function summary(report: BaselineReport, width: number, paint: ChalkInstance): string[] {
  const { candidate, reference, verdict } = report;
  const word = verdictPaint(verdict, paint)(paint.bold(HEADLINES[verdict.state]));
  const facts: [string, string][] = [
    ['candidate', `${oneLine(candidate.id)}, ${gradedLine(candidate)}`],
    ['reference', `${oneLine(reference.id)}, ${gradedLine(reference)}`],
    [
      'mean score',
      `${formatMean(candidate.meanScore)} against ${formatMean(reference.meanScore)}, ratio ${formatRatio(verdict.ratio)} (95 % bounds ${formatRatio(verdict.lower)} to ${formatRatio(verdict.upper)})`,
    ],
    ['latency', latencyLine(candidate)],
    [
      'first token',
      `P50 ${formatMs(candidate.ttftMs.p50)} · P95 ${formatMs(candidate.ttftMs.p95)}`,
    ],
    [
      'speed',
      `${formatRate(candidate.tokensPerSecond)} tokens/s, ${formatMean(candidate.scorePer1kOutputTokens)} points per 1,000 output tokens`,
    ],
  ];
  return [
    ...facts.flatMap(([name, text]) => {
      const [first = '', ...more] = wrap(text, width - 12);
      return [
        `${paint.dim(name.padEnd(12))}${first}`,
        ...more.map((line) => ' '.repeat(12) + line),
      ];
    }),
    '',
    word,
    ...[verdictSentence(report), ...verdict.reasons, strictLine(verdict)]
      .flatMap((text) => wrap(oneLine(text), width - 2))
      .map((line) => `  ${line}`),
  ];
}

function paintScore(pair: TaskPair, paint: ChalkInstance): string {
  const text = formatScore(scoreOf(pair.candidate));
  const difference = differenceOf(pair);
  if (difference === null) return text;
  if (difference >= -1) return paint.green(text);
  return difference >= -3 ? paint.yellow(text) : paint.red(text);
}

function latency(task: TaskResult): string {
  if (task.state !== 'graded') return NONE;
  return task.replayed ? 'cached' : formatMs(task.latencyMs);
}

function verdictPaint(verdict: Verdict, paint: ChalkInstance): ChalkInstance {
  const { state } = verdict;
  if (state === 'pass') return paint.green;
  if (state === 'fail') return paint.red;
  return state === 'marginal' ? paint.yellow : paint.magenta;
}

/** Breaks at spaces; a word longer than a line is cut into lines. */
function wrap(text: string, width: number): string[] {
  const size = Math.max(10, width);
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ').flatMap((long) => pieces(long, size))) {
    if (line !== '' && line.length + 1 + word.length > size) {
      lines.push(line);
      line = word;
    } else {
      line = line === '' ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function pieces(word: string, size: number): string[] {
  const count = Math.max(1, Math.ceil(word.length / size));
  return Array.from({ length: count }, (_, index) => word.slice(index * size, (index + 1) * size));
}

// Cells hold only our own escape codes, which end in `m`.
function visible(text: string): number {
  // oxlint-disable-next-line no-control-regex -- escape codes are what is looked for
  return text.replace(/\u001B\[[0-9;]*m/g, '').length;
}
