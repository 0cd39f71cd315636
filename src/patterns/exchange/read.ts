import { parse } from 'csv-parse/sync';
import { AppError, messageOf, type Problem } from '../../core/errors.ts';
import { readLine, type PatternLine } from './line.ts';

export const IMPORT_FORMATS = ['jsonl', 'csv'] as const;
export type ImportFormat = (typeof IMPORT_FORMATS)[number];

/** A pattern of a file, and where it stands there. */
export interface PlacedLine {
  line: PatternLine;
  /** As in `patterns.jsonl:12`. */
  place: string;
}

/**
 * All patterns of a file.
 * @param file its name, for problems
 * @throws AppError `patterns.bad-import` with every problem and its line
 */
export function readPatterns(text: string, format: ImportFormat, file: string): PlacedLine[] {
  const problems: Problem[] = [];
  const lines: PlacedLine[] = [];
  const ids = new Map<string, string>();
  const rows = format === 'csv' ? csvRows(text, file, problems) : jsonRows(text, file, problems);
  for (const { value, place } of rows) {
    const read = readLine(value, place);
    if (read.line === undefined) {
      problems.push(...read.problems);
      continue;
    }
    const { id } = read.line;
    const before = id === undefined ? undefined : ids.get(id);
    if (before !== undefined) {
      problems.push({ path: `${place} id`, message: `${id} stands at ${before} already` });
    }
    if (id !== undefined) ids.set(id, place);
    lines.push({ line: read.line, place });
  }
  if (problems.length === 0 && lines.length === 0) {
    problems.push({ path: file, message: 'there is no pattern in it' });
  }
  if (problems.length > 0) throw badImport(file, problems);
  return lines;
}

export function badImport(file: string, problems: readonly Problem[]): AppError {
  return new AppError('patterns.bad-import', `Nothing was imported: ${file} has errors.`, {
    problems,
    hint: 'Mend these lines and import the file again. docs/curate.md lists the fields.',
  });
}

interface Row {
  value: unknown;
  place: string;
}

function* jsonRows(text: string, file: string, problems: Problem[]): Generator<Row> {
  let number = 0;
  for (const line of text.replace(/^\u{FEFF}/u, '').split('\n')) {
    number += 1;
    if (line.trim() === '') continue;
    const place = `${file}:${number}`;
    try {
      yield { value: JSON.parse(line), place };
    } catch (error) {
      problems.push({ path: place, message: `no JSON: ${messageOf(error)}` });
    }
  }
}

/** Columns that hold numbers; the others are texts. */
const NUMBERS = new Set(['confidence', 'uses']);
/** A scope's keys are columns of their own in a table. */
const SCOPE = /^scope\.(tenant|repository|commit|model)$/;

function* csvRows(text: string, file: string, problems: Problem[]): Generator<Row> {
  let rows: { record: Record<string, string>; info: { lines: number } }[];
  try {
    rows = parse(text, { bom: true, columns: true, info: true, skip_empty_lines: true });
  } catch (error) {
    problems.push({ path: file, message: messageOf(error) });
    return;
  }
  for (const { record, info } of rows) {
    const value: Record<string, unknown> = {};
    const scope: Record<string, string> = {};
    for (const [column, cell] of Object.entries(record)) {
      // An empty cell says nothing.
      if (cell === '') continue;
      const [, key] = SCOPE.exec(column) ?? [];
      if (key !== undefined) scope[key] = cell;
      else value[column] = NUMBERS.has(column) ? Number(cell) : cell;
    }
    if (Object.keys(scope).length > 0) value['scope'] = scope;
    // A record ends in that line; it may have begun before.
    yield { value, place: `${file}:${info.lines}` };
  }
}
