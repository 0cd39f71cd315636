import { Chalk } from 'chalk';
import type { ChalkInstance } from 'chalk';
import type { BaselineReport, CandidateReport, SideReport, Verdict } from '../result.ts';
import { formatMean, formatMs, formatRate, formatRatio, oneLine } from './format.ts';
import { inCategories, pairTasks, rowsOf } from './pairs.ts';
import { candidateTable, categoryTable, scoreTable } from './table/comparison.ts';
import { wrap } from './table/layout.ts';
import { taskTable } from './table/one-candidate.ts';
import {
  boundsOf,
  costLine,
  gradedLine,
  HEADLINES,
  latencyLine,
  powerLines,
  strictLine,
  verdictSentence,
} from './words.ts';

interface TableOptions {
  /** Columns of the terminal; a narrow one gets fewer columns. */
  width: number;
  /** Whether escape codes may be written. */
  color: boolean;
}

/** The report for a terminal: tasks, then means, times and verdicts. Ends with a newline. */
export function toTable(report: BaselineReport, options: TableOptions): string {
  const paint = new Chalk({ level: options.color ? 1 : 0 });
  const { width } = options;
  const [only, ...others] = report.candidates;
  const blocks =
    only !== undefined && others.length === 0
      ? oneCandidate(only, report, width, paint)
      : manyCandidates(report, width, paint);
  return `${blocks
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function oneCandidate(
  candidate: CandidateReport,
  { reference }: BaselineReport,
  width: number,
  paint: ChalkInstance,
): string[][] {
  const pairs = pairTasks(candidate, reference);
  const groups = inCategories(pairs, (pair) => pair.candidate.category);
  return [
    ...(pairs.length === 0 ? [['No task was run.']] : []),
    ...groups.map(({ category, members }) => [
      ...(groups.length > 1 ? [paint.bold(category)] : []),
      taskTable(category, members, width, paint),
    ]),
    groups.length > 1 ? [categoryTable([candidate], width, paint)] : [],
    facts(candidate, reference, width, paint),
    verdictLines(candidate, reference, width, paint),
  ];
}

function manyCandidates(report: BaselineReport, width: number, paint: ChalkInstance): string[][] {
  const { candidates, reference } = report;
  const groups = inCategories(rowsOf(report), (row) => row.category);
  return [
    ...groups.map(({ category, members }) => [
      ...(groups.length > 1 ? [paint.bold(category)] : []),
      scoreTable(members, candidates.length, width, paint),
    ]),
    [categoryTable(candidates, width, paint)],
    [candidateTable(report, width, paint)],
    ...candidates.map((candidate, index) => [
      ...wrap(`#${index + 1} ${oneLine(candidate.id)}`, width),
      ...verdictLines(candidate, reference, width, paint).map((line) => `  ${line}`),
    ]),
  ];
}

function facts(
  candidate: CandidateReport,
  reference: SideReport,
  width: number,
  paint: ChalkInstance,
): string[] {
  const { verdict } = candidate;
  const rows: [string, string][] = [
    ['candidate', `${oneLine(candidate.id)}, ${gradedLine(candidate)}`],
    ['reference', `${oneLine(reference.id)}, ${gradedLine(reference)}`],
    [
      'mean score',
      `${formatMean(candidate.meanScore)} against ${formatMean(reference.meanScore)}, ratio ${formatRatio(verdict.ratio)} (95 % bounds ${boundsOf(verdict)})`,
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
    ['cost', `candidate ${costLine(candidate)}, reference ${costLine(reference)}`],
  ];
  return rows.flatMap(([name, text]) => {
    const [first = '', ...more] = wrap(text, width - 12);
    return [`${paint.dim(name.padEnd(12))}${first}`, ...more.map((line) => ' '.repeat(12) + line)];
  });
}

function verdictLines(
  candidate: CandidateReport,
  reference: SideReport,
  width: number,
  paint: ChalkInstance,
): string[] {
  const { verdict } = candidate;
  return [
    verdictPaint(verdict, paint)(paint.bold(HEADLINES[verdict.state])),
    ...[
      verdictSentence(candidate, reference),
      ...verdict.reasons,
      strictLine(verdict),
      ...powerLines(verdict.power),
    ]
      .flatMap((text) => wrap(oneLine(text), width - 4))
      .map((line) => `  ${line}`),
  ];
}

function verdictPaint({ state }: Verdict, paint: ChalkInstance): ChalkInstance {
  if (state === 'pass') return paint.green;
  if (state === 'fail') return paint.red;
  return state === 'marginal' ? paint.yellow : paint.magenta;
}
