import type { ChalkInstance } from 'chalk';
import { tellingOf } from '../../kinds/tellings.ts';
import type { Category, TaskResult } from '../../result.ts';
import {
  clip,
  formatMs,
  formatPoints,
  formatScore,
  formatTally,
  NONE,
  oneLine,
} from '../format.ts';
import { differenceOf, marksOf, pointsOf, scoreOf, tallyOf } from '../pairs.ts';
import type { TaskPair } from '../pairs.ts';
import { bare, draw, GAP, visible } from './layout.ts';

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

/** A row for each task of one category, with its notes beside or below. */
export function taskTable(
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
  const table = bare(
    heads.map((head) => paint.dim(head)),
    ['left', ...columns.map(() => 'right' as const), 'left'],
  );
  for (const [index, name] of names.entries()) {
    const note = notes[index] ?? '';
    const row = [clip(name, task), ...(cells[index] ?? [])];
    table.push(beside ? [...row, paint.yellow(note)] : row);
    if (!beside && note !== '') {
      const below = paint.yellow(`  ${clip(note, width - GAP)}`);
      table.push([{ content: below, colSpan: heads.length }]);
    }
  }
  return draw(table);
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
