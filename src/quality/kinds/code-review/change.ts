import { diffArrays, structuredPatch } from 'diff';
import type { Defect, Lines } from './format.ts';

/** A piece of a change: changed lines and a few around them. */
export interface Hunk {
  /** The lines of the new file that it shows. */
  lines: Lines;
  /** Its lines, each with a mark (`+`, `-` or a space) in front. */
  rows: string[];
}

const CONTEXT = 3;

/** The hunks of a change, as `diff -U3` cuts them. */
export function hunksOf(before: string, after: string): Hunk[] {
  const { hunks } = structuredPatch('', '', before, after, '', '', { context: CONTEXT });
  return hunks.map(({ newStart, newLines, lines }) => ({
    lines: [newStart, newStart + newLines - 1],
    rows: lines.filter((row) => !row.startsWith('\\')),
  }));
}

/** Hunks as a prompt shows them: each line of the new file behind its number. */
export function showHunks(hunks: readonly Hunk[]): string {
  return hunks
    .map(({ lines: [from, to], rows }, index) => {
      let number = from;
      const shown = rows.map((row) => {
        const isNew = !row.startsWith('-');
        const label = isNew ? String(number) : '';
        if (isNew) number += 1;
        return `${label.padStart(4)} ${row}`.trimEnd();
      });
      return [`Hunk ${index + 1} (lines ${from} to ${to})`, ...shown].join('\n');
    })
    .join('\n\n');
}

/** The way from the right version of a module to the defective one. */
export interface Steps {
  /** Lines of the defective version where a difference belongs to no defect. */
  strays: number[];
  /** The defects that some difference belongs to. */
  made: ReadonlySet<number>;
  /** The right version with some of the defects, numbered from 0. */
  apply(wanted: ReadonlySet<number>): string;
}

interface Piece {
  right: string[];
  defective: string[];
  /** Line of the defective version at which it begins. */
  line: number;
  isStep: boolean;
}

/** Assigns what differs between two versions to the defects, by the lines that they name. */
export function stepsOf(right: string, defective: string, defects: readonly Defect[]): Steps {
  const pieces = piecesOf(right, defective).map((piece) => ({
    ...piece,
    defect: piece.isStep ? defects.findIndex((defect) => holds(defect.lines, piece)) : -1,
  }));
  return {
    strays: pieces.filter(({ isStep, defect }) => isStep && defect < 0).map(({ line }) => line),
    made: new Set(pieces.map(({ defect }) => defect).filter((defect) => defect >= 0)),
    apply: (wanted) =>
      pieces
        .flatMap((piece) => (wanted.has(piece.defect) ? piece.defective : piece.right))
        .join('\n'),
  };
}

function piecesOf(right: string, defective: string): Piece[] {
  const pieces: Piece[] = [];
  let line = 1;
  for (const { added, removed, value } of diffArrays(right.split('\n'), defective.split('\n'))) {
    const isStep = added || removed;
    let piece = pieces.at(-1);
    if (piece?.isStep !== true || !isStep) {
      piece = { right: [], defective: [], line, isStep };
      pieces.push(piece);
    }
    if (!added) piece.right.push(...value);
    if (!removed) piece.defective.push(...value);
    if (!removed) line += value.length;
  }
  return pieces;
}

/** What was only taken away is missing between two lines; the range may name either of them. */
function holds([from, to]: Lines, { line, defective }: Piece): boolean {
  return from <= line && line + defective.length - 1 <= to;
}
