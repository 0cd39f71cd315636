import { z } from 'zod';
import { reckon, type Price } from '../../config/prices/price-book.ts';
import { ratioOfMeans, type Pair, type RatioInterval } from '../../core/intervals.ts';
import type { Database } from '../../storage/database.ts';
import { USAGE_COLUMNS, usageRow } from '../rows.ts';

/** Prompts that a local model and Claude have both answered: what one answer costs over the other. */
export interface Calibration {
  basis: 'shadow' | 'baseline';
  pairs: number;
  ratio: RatioInterval;
}

/** The newest pairs; more would take longer and say little more. */
const MOST_PAIRS = 1000;
const SEED = 20_261_124;
/** A report is not to wait for more. */
const RESAMPLES = 2000;

const usageIn = (alias: string): string =>
  `json_object(${USAGE_COLUMNS.map((name) => `'${name}', ${alias}.${name}`).join(', ')})`;

const BOTH = `k.category AS stratum,
  iif(k.self_hosted, ${usageIn('a')}, ${usageIn('b')}) AS local,
  iif(k.self_hosted, ${usageIn('b')}, ${usageIn('a')}) AS claude`;

/** Where a request's answer and its shadow are of two kinds of machines. */
const SHADOWS = `SELECT ${BOTH}, coalesce(a.session, a.request_id) AS cluster
  FROM attempt_kinds k CROSS JOIN attempts a ON a.kind = k.id AND a.at < @until
  JOIN attempts b ON b.request_id = a.request_id
  JOIN attempt_kinds o ON o.id = b.kind
  WHERE k.purpose = 'shadow' AND k.outcome = 'ok' AND o.purpose IN ('answer', 'retry') AND o.outcome = 'ok'
    AND o.self_hosted <> k.self_hosted
  ORDER BY a.at DESC LIMIT ${MOST_PAIRS}`;

/** Where a baseline asked both the same. */
const BASELINES = `SELECT ${BOTH}, a.pair AS cluster
  FROM attempt_kinds k CROSS JOIN attempts a ON a.kind = k.id AND a.at < @until
  JOIN attempts b ON b.pair = a.pair
  JOIN attempt_kinds o ON o.id = b.kind
  WHERE k.purpose = 'baseline' AND k.outcome = 'ok' AND k.self_hosted = 1 AND a.pair IS NOT NULL
    AND o.purpose = 'baseline' AND o.outcome = 'ok' AND o.self_hosted = 0
  ORDER BY a.at DESC LIMIT ${MOST_PAIRS}`;

/**
 * What Claude bills for an answer over what the local tokens would have cost at its price, from the
 * newest pairs before a time. Local tokens are not Claude's: the same prompt has another number of
 * them, and its answer another length.
 * @returns `undefined` where there are fewer than two independent pairs
 */
export function calibrate(
  database: Database,
  until: number,
  price: Price,
): Calibration | undefined {
  for (const [basis, sql] of [
    ['shadow', SHADOWS],
    ['baseline', BASELINES],
  ] as const) {
    const pairs = z
      .array(pairRow)
      .parse(database.prepare(sql).all({ until }))
      .flatMap((row) => pairOf(row, price));
    const ratio = ratioOfMeans(pairs, SEED, RESAMPLES);
    if (ratio !== undefined) return { basis, pairs: pairs.length, ratio };
  }
  return undefined;
}

const usage = z
  .string()
  .transform((json): unknown => JSON.parse(json))
  .pipe(usageRow);
const pairRow = z.object({ stratum: z.string(), cluster: z.string(), local: usage, claude: usage });

function pairOf({ stratum, cluster, ...of }: z.output<typeof pairRow>, price: Price): Pair[] {
  // Without caches: what Claude's would have held nobody knows, and the ratio tells how it was.
  const { inputTokens, outputTokens } = of.local;
  if (inputTokens === undefined || outputTokens === undefined) return [];
  const reference = reckon({ inputTokens, outputTokens }, price)?.usd;
  const candidate = reckon(of.claude, price)?.usd;
  if (candidate === undefined || reference === undefined) return [];
  return [{ stratum, cluster, candidate, reference }];
}
