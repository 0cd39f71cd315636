import Table from 'cli-table3';
import { NO_BORDERS } from '../format.ts';

/** Spaces between two columns. */
export const GAP = 2;

type Alignment = 'left' | 'right';

/** A table without borders. */
export function bare(heads: readonly string[], aligned: readonly Alignment[]): Table.Table {
  return new Table({
    head: [...heads],
    colAligns: [...aligned],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': GAP, compact: true },
    chars: NO_BORDERS,
  });
}

/** The table's lines, without spaces at their ends. */
export function draw(table: Table.Table): string {
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

/** Breaks at spaces; a word longer than a line is cut into lines. */
export function wrap(text: string, width: number): string[] {
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
export function visible(text: string): number {
  // oxlint-disable-next-line no-control-regex -- escape codes are what is looked for
  return text.replace(/\u001B\[[0-9;]*m/g, '').length;
}
