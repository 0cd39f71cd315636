import type { Measured } from './format.ts';

/** Whether a line of a module holds more than a comment or nothing. */
export function isCode(row: string): boolean {
  return !/^\s*(?:$|\/\/|\/\*|\*(?:[\s/]|$))/.test(row);
}

/** The lines of a module that hold code, each behind its number. */
export function numbered(source: string): string {
  return source
    .trimEnd()
    .split('\n')
    .flatMap((row, index) => (isCode(row) ? [`${String(index + 1).padStart(3)} ${row}`] : []))
    .join('\n');
}

/** All branches in the order of the source, those of one line together. */
export function branchList({ branches }: Pick<Measured, 'branches'>): string {
  const byLine = new Map<number, string[]>();
  for (const name of [...branches.covered, ...branches.uncovered, ...branches.unreachable]) {
    const line = Number.parseInt(name, 10);
    byLine.set(line, [...(byLine.get(line) ?? []), name]);
  }
  return [...byLine]
    .sort(([a], [b]) => a - b)
    .map(([, names]) => names.sort(byName).join(' '))
    .join('\n');
}

function byName(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}
