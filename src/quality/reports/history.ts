import { Chalk } from 'chalk';
import type { PastVerdict } from '../run/run-store.ts';
import { formatRatio } from './format.ts';
import { plainTable } from './table/comparison.ts';
import { boundsOf, HEADLINES } from './words.ts';

/** Earlier verdicts for a terminal, in the order given. Ends with a newline. */
export function historyToTable(
  past: readonly PastVerdict[],
  { width, color }: { width: number; color: boolean },
): string {
  if (past.length === 0) {
    return 'No baseline has been finished with this state folder yet.\n';
  }
  const shown = width < WIDE ? NARROW : ALL;
  const table = plainTable(
    ['run', ...shown.map(({ head }) => head)],
    past.map(({ run }) => run.id),
    past.map((each) => shown.map(({ cell }) => cell(each))),
    // A run's id is there to be used: it is never cut.
    Math.max(width, LEAST),
    new Chalk({ level: color ? 1 : 0 }),
  );
  return `${table}\n`;
}

interface Column {
  head: string;
  cell: (past: PastVerdict) => string;
}

const LEAST = 80;
const WIDE = 140;
const NARROW: readonly Column[] = [
  { head: 'candidate', cell: ({ candidate }) => brief(candidate) },
  { head: 'tasks', cell: ({ run }) => String(run.plan.taskIds.length) },
  { head: 'ratio', cell: ({ verdict }) => formatRatio(verdict.ratio) },
  { head: 'verdict', cell: ({ verdict }) => HEADLINES[verdict.state] },
];
const ALL: readonly Column[] = [
  ...NARROW.slice(0, 1),
  { head: 'reference', cell: ({ run }) => brief(run.plan.reference) },
  {
    head: 'suite',
    cell: ({ run }) => `${run.plan.suiteName} ${run.plan.suiteHash.slice(0, 6)}`,
  },
  ...NARROW.slice(1, 3),
  { head: '95 % bounds', cell: ({ verdict }) => boundsOf(verdict) },
  ...NARROW.slice(3),
];

/** The end of a long name tells most. */
function brief(spec: string): string {
  return spec.length <= 26 ? spec : `…${spec.slice(-25)}`;
}
