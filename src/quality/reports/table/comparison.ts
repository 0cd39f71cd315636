import type { ChalkInstance } from 'chalk';
import type { BaselineReport, CandidateReport, SideReport, Verdict } from '../../result.ts';
import {
  clip,
  formatMean,
  formatMs,
  formatRate,
  formatRatio,
  formatScore,
  formatUsd,
  NONE,
  oneLine,
} from '../format.ts';
import { scoreOf, type TaskRow } from '../pairs.ts';
import { boundsOf, HEADLINES } from '../words.ts';
import { bare, draw, GAP } from './layout.ts';

const LEAST_NAME = 10;

/** All candidates against the one reference, a row each. */
export function candidateTable(
  { candidates, reference }: BaselineReport,
  width: number,
  paint: ChalkInstance,
): string {
  const columns = width < WIDE ? SUMMARY.slice(0, 4) : SUMMARY;
  const sides: Summed[] = [...candidates, reference];
  return plainTable(
    ['candidate', ...columns.map(({ head }) => head)],
    [...candidates.map(({ id }, index) => `#${index + 1} ${id}`), reference.id],
    sides.map((side) => columns.map(({ cell }) => cell(side))),
    width,
    paint,
  );
}

type Summed = SideReport & { verdict?: Verdict };

/** Narrower than this there is no room for the last columns. */
const WIDE = 100;
const SUMMARY: readonly { head: string; cell: (side: Summed) => string }[] = [
  { head: 'mean', cell: ({ meanScore }) => formatMean(meanScore) },
  { head: 'ratio', cell: ({ verdict }) => formatRatio(verdict?.ratio) },
  {
    head: '95 % bounds',
    cell: ({ verdict }) => (verdict === undefined ? NONE : boundsOf(verdict)),
  },
  {
    head: 'verdict',
    cell: ({ verdict }) => (verdict === undefined ? 'reference' : HEADLINES[verdict.state]),
  },
  { head: 'P50', cell: ({ latencyMs }) => formatMs(latencyMs.p50) },
  { head: 'tokens/s', cell: ({ tokensPerSecond }) => formatRate(tokensPerSecond) },
  { head: 'cost', cell: ({ costUsd }) => formatUsd(costUsd) },
];

/** Ratios by category: a row each, a column for each candidate. */
export function categoryTable(
  candidates: readonly CandidateReport[],
  width: number,
  paint: ChalkInstance,
): string {
  const [first] = candidates;
  if (first === undefined) return '';
  const several = candidates.length > 1;
  const heads = candidates.map((_, index) => (several ? `ratio #${index + 1}` : 'ratio'));
  const rows = first.categories.map((category, place) => [
    String(category.clusters),
    formatMean(category.referenceMean),
    ...(several ? [] : [formatMean(category.candidateMean)]),
    ...candidates.map((candidate) => formatRatio(candidate.categories[place]?.ratio)),
    ...(several ? [] : [boundsOf(category)]),
    category.threshold === null ? NONE : formatRatio(category.threshold),
  ]);
  return plainTable(
    [
      'category',
      'tasks',
      'ref.',
      ...(several ? [] : ['score']),
      ...heads,
      ...(several ? [] : ['95 % bounds']),
      'asked',
    ],
    first.categories.map(({ category }) => category),
    rows,
    width,
    paint,
  );
}

/** Scores by task: a column for the reference and for each candidate. */
export function scoreTable(
  tasks: readonly TaskRow[],
  candidates: number,
  width: number,
  paint: ChalkInstance,
): string {
  return plainTable(
    ['task', 'ref.', ...Array.from({ length: candidates }, (_, index) => `#${index + 1}`)],
    tasks.map(({ label }) => label),
    tasks.map((row) => [
      formatScore(scoreOf(row.reference)),
      ...row.candidates.map((result) =>
        result?.state === 'error' ? 'error' : formatScore(scoreOf(result)),
      ),
    ]),
    width,
    paint,
  );
}

/** A table of names and cells, names cut to the room that is left. */
export function plainTable(
  heads: readonly string[],
  names: readonly string[],
  rows: readonly (readonly string[])[],
  width: number,
  paint: ChalkInstance,
): string {
  const taken = heads.slice(1).map((head, column) => {
    const cells = rows.map((row) => row[column]?.length ?? 0);
    return GAP + Math.max(head.length, ...cells);
  });
  const room = Math.max(LEAST_NAME, width - GAP - taken.reduce((sum, size) => sum + size, 0));
  const drawn = bare(
    heads.map((head) => paint.dim(head)),
    ['left', ...heads.slice(1).map(() => 'right' as const)],
  );
  for (const [index, name] of names.entries()) {
    drawn.push([clip(oneLine(name), room), ...(rows[index] ?? [])]);
  }
  return draw(drawn);
}
