import type { Hardware } from '../../../config/schema.ts';
import type { Database } from '../../../storage/database.ts';
import type { Charges } from '../../charge.ts';
import { HOURS_PER_MONTH } from '../hardware.ts';
import type { Range } from '../periods.ts';
import type { Advice, Interval } from '../result.ts';
import type { Cell } from '../tally.ts';

/** What advice is drawn from. */
export interface AdviceContext {
  database: Database;
  range: Range;
  /** Of the range, from the first attempt on. */
  hours: number;
  /** Of the whole range, by kind. */
  cells: readonly Cell[];
  charges: Charges;
  /** What the tiers are configured with, as `<server>:<model>`. */
  targets: readonly string[];
  machines: readonly Hardware[];
}

export type Adviser = (context: AdviceContext) => Advice[];

const NANO = 1e9;
const EXAMPLES = 3;

/** The same for a month, if all goes on like this. */
export function perMonth(of: Interval, hours: number): Interval {
  const times = HOURS_PER_MONTH / hours;
  return { lower: of.lower * times, estimate: of.estimate * times, upper: of.upper * times };
}

/** Joins attempts to their kinds so that only rows of the kinds asked for are read. */
export function attemptsWhere(kinds: string, attempts = 'TRUE'): string {
  return `attempt_kinds k CROSS JOIN attempts a
    ON a.kind = k.id AND a.at >= @since AND a.at < @until WHERE (${kinds}) AND (${attempts})`;
}

/** The newest requests among the rows. */
export function examplesOf(
  { database, range }: AdviceContext,
  from: string,
  values: Readonly<Record<string, string>> = {},
): string[] {
  return database
    .prepare(`SELECT a.request_id FROM ${from} ORDER BY a.at DESC LIMIT ${EXAMPLES}`)
    .pluck()
    .all({ ...range, ...values })
    .map(String);
}

/** `null` where nothing of it has a price. */
export function usdOf(nanoUsd: number | null): number | null {
  return nanoUsd === null ? null : nanoUsd / NANO;
}
