import type { BatchLine } from './input.ts';
import { samenessOf } from './sameness.ts';

/** Lines that get the same answer; the first one is asked. */
export type BatchGroup = readonly [BatchLine, ...BatchLine[]];

/** In the order of the first lines. */
export function groupLines(lines: readonly BatchLine[]): BatchGroup[] {
  const groups: [BatchLine, ...BatchLine[]][] = [];
  const alike = new Map<string, BatchLine[]>();
  for (const line of lines) {
    const key = samenessOf(line.request);
    const group = key === undefined ? undefined : alike.get(key);
    if (group !== undefined) {
      group.push(line);
      continue;
    }
    const begun: [BatchLine] = [line];
    groups.push(begun);
    if (key !== undefined) alike.set(key, begun);
  }
  return groups;
}
