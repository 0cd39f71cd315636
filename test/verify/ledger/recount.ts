import type { CostReport, Figures } from '../../../src/ledger/report/result.ts';
import { CLAUDE } from './fleet.ts';
import type { Counted, Served } from './counting-server.ts';

/** US dollars per million tokens of Claude Sonnet 5.5, written down here again. */
const USD = { input: 2, cacheRead: 0.2, write5m: 2.5, write1h: 4, output: 10 };
const BATCH_SHARE = 0.5;

/** What the server's books add up to for a model, in the words of a report. */
type Recounted = Pick<
  Figures,
  | 'attempts'
  | 'ok'
  | 'failed'
  | 'cancelled'
  | 'unpriced'
  | 'inputTokens'
  | 'cacheReadTokens'
  | 'cacheWriteTokens'
  | 'cacheWriteHourTokens'
  | 'outputTokens'
  | 'reasoningTokens'
  | 'usd'
>;

export function recount(served: readonly Served[]): Recounted {
  const sum = (of: (one: Served) => number): number =>
    served.reduce((total, one) => total + of(one), 0);
  const count = (is: (one: Served) => boolean): number => served.filter(is).length;
  const tokens = (of: keyof Counted): number => sum(({ told }) => told[of] ?? 0);
  return {
    attempts: served.length,
    ok: count(({ how }) => how === 'whole'),
    failed: count(({ how }) => how === 'refused' || how === 'broken'),
    cancelled: count(({ how }) => how === 'left'),
    // Cut off at Claude, nobody was told what it comes to.
    unpriced: count(({ model, how }) => model === CLAUDE && (how === 'broken' || how === 'left')),
    inputTokens: tokens('input'),
    cacheReadTokens: tokens('cacheRead'),
    cacheWriteTokens: tokens('write5m'),
    cacheWriteHourTokens: tokens('write1h'),
    outputTokens: tokens('output'),
    reasoningTokens: tokens('thought'),
    usd: sum(usdOf),
  };
}

function usdOf({ model, kind, how, told }: Served): number {
  if (model !== CLAUDE || how !== 'whole') return 0;
  const { input = 0, cacheRead = 0, write5m = 0, write1h = 0, output = 0 } = told;
  const usd =
    input * USD.input +
    cacheRead * USD.cacheRead +
    write5m * USD.write5m +
    write1h * USD.write1h +
    output * USD.output;
  return (usd / 1e6) * (kind === 'batch' ? BATCH_SHARE : 1);
}

/** Everything in which a row of the report is not what the server counted. */
export function differences(
  name: string,
  row: Figures | undefined,
  served: readonly Served[],
): string[] {
  if (row === undefined) return [`${name}: the report has no row`];
  return Object.entries(recount(served)).flatMap(([field, expected]) => {
    const told = Object.entries(row).find(([key]) => key === field)?.[1];
    // Each attempt is rounded to a billionth.
    const slack = field === 'usd' ? served.length * 1e-9 : 0;
    return typeof told === 'number' && Math.abs(told - expected) <= slack
      ? []
      : [`${name}: ${field} is ${told}, the server counted ${expected}`];
  });
}

/** How the rows of a dimension differ from the whole. */
export function apart(report: CostReport): string[] {
  const sum = (of: (row: Figures) => number): number =>
    report.rows.reduce((total, row) => total + of(row), 0);
  const by = report.by.join(' and ');
  const { attempts, usd } = report.total;
  const rows = sum((row) => row.attempts);
  const dollars = sum((row) => row.usd);
  return [
    ...(rows === attempts ? [] : [`by ${by}: ${rows} attempts in rows, ${attempts} in all`]),
    ...(Math.abs(dollars - usd) <= 1e-9 ? [] : [`by ${by}: $${dollars} in rows, $${usd} in all`]),
  ];
}
