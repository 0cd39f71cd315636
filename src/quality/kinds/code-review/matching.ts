import type { Finding } from './findings.ts';
import type { Defect, Lines } from './format.ts';

/** How far from a defect a finding may point and still mean it. */
const TOLERANCE_LINES = 2;

/** Whether a finding points at a defect: two lines off at most, and within the same hunk. */
export function pointsAt(
  { line, explanation }: Finding,
  { lines: [first, last] }: Pick<Defect, 'lines'>,
  [from, to]: Lines,
): boolean {
  if (line === undefined || explanation === '') return false;
  return (
    line >= Math.max(first - TOLERANCE_LINES, from) && line <= Math.min(last + TOLERANCE_LINES, to)
  );
}

/**
 * The largest one-to-one assignment (augmenting paths), earlier rows preferred.
 * @param choices for each row the columns that it may get
 * @returns for each row its column, or `undefined`
 */
export function assign(choices: readonly (readonly number[])[]): (number | undefined)[] {
  const rowOf = new Map<number, number>();
  const place = (row: number, tried: Set<number>): boolean => {
    for (const column of choices[row] ?? []) {
      if (tried.has(column)) continue;
      tried.add(column);
      const holder = rowOf.get(column);
      if (holder !== undefined && !place(holder, tried)) continue;
      rowOf.set(column, row);
      return true;
    }
    return false;
  };
  for (const row of choices.keys()) place(row, new Set());
  const columns: (number | undefined)[] = Array.from(choices, () => undefined);
  for (const [column, row] of rowOf) columns[row] = column;
  return columns;
}
