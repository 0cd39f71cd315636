import { Chalk, type ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import { NO_BORDERS, oneLine } from '../../../../quality/reports/format.ts';
import { labelOf } from '../../../../serving/compare.ts';
import type { ServeReport, TargetReport, VerdictState } from '../../../../serving/result.ts';
import {
  checkLine,
  FIGURE_HEADS,
  figureCells,
  formatChange,
  hasUnsound,
  HEADLINES,
  soakLines,
  titleOf,
  UNSOUND_NOTE,
} from './words.ts';

interface TableOptions {
  width: number;
  color: boolean;
}

/** The report for a terminal. Ends with a newline. */
export function toTable(report: ServeReport, { width, color }: TableOptions): string {
  const paint = new Chalk({ level: color ? 1 : 0 });
  const { verdict } = report;
  const lines = [
    ...report.targets.flatMap((target) => [...targetLines(target, width, paint), '']),
    ...(hasUnsound(report) ? [paint.dim(UNSOUND_NOTE), ''] : []),
    paintOf(verdict.state, paint)(paint.bold(HEADLINES[verdict.state])),
    ...verdict.reasons.map((reason) => `  ${oneLine(reason)}`),
  ];
  return `${lines.join('\n')}\n`;
}

function targetLines(target: TargetReport, width: number, paint: ChalkInstance): string[] {
  const { load } = target;
  const head = [
    paint.bold(`${target.tier === 'url' ? '' : `${target.tier}: `}${titleOf(target)}`),
    ...target.checks.map((check) => `  ${checkLine(check)}`),
  ];
  if (load.state === 'skipped') return [...head, paint.dim(`  Load: ${load.reason}`)];
  return [
    ...head,
    '',
    figures(load, width, paint),
    ...(load.soak === null ? [] : ['', ...soakLines(load.soak)]),
    ...(load.change === null ? [] : ['', ...changeLines(load.change)]),
    '',
    load.diagnosis.sentence,
  ];
}

// The fewest that still tell speed: a narrow terminal gets these.
const NARROW = new Set([0, 2, 4, 6, 9, 10]);
const WIDE_COLUMNS = 96;

function figures(
  { steps }: Extract<TargetReport['load'], { state: 'measured' }>,
  width: number,
  paint: ChalkInstance,
): string {
  const keep = <Value>(values: readonly Value[]): Value[] =>
    values.filter((_, index) => width >= WIDE_COLUMNS || NARROW.has(index));
  const heads = ['load', ...keep(FIGURE_HEADS)];
  const table = new Table({
    head: heads.map((head) => paint.dim(head)),
    colAligns: ['left', ...heads.slice(1).map(() => 'right' as const)],
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 1, compact: true },
    chars: NO_BORDERS,
  });
  for (const step of steps) table.push([labelOf(step.arrivals), ...keep(figureCells(step))]);
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}

function changeLines({
  since,
  steps,
}: NonNullable<Extract<TargetReport['load'], { state: 'measured' }>['change']>): string[] {
  if (steps.length === 0) return [`The check of ${since} had none of these steps.`];
  return [
    `Since the check of ${since}:`,
    ...steps.map(
      (step) =>
        `  ${labelOf(step.arrivals).padEnd(11)} TTFT P95 ${formatChange(step.ttftP95)} · E2E P95 ${formatChange(step.e2eP95)} · tokens/s ${formatChange(step.outputTokensPerSecond)}`,
    ),
  ];
}

function paintOf(state: VerdictState, paint: ChalkInstance): ChalkInstance {
  if (state === 'ready') return paint.green;
  return state === 'too-few' ? paint.magenta : paint.red;
}
