import {
  rateOf,
  TOKEN_CLASSES,
  type Price,
  type TokenClasses,
} from '../../config/prices/price-book.ts';
import type { Rates } from '../../config/prices/price-file.ts';
import type { Hardware } from '../../config/schema.ts';
import type { Database } from '../../storage/database.ts';
import { withStorage } from '../../storage/failure.ts';
import type { Charges } from '../charge.ts';
import { readKinds, type Kind } from './kinds.ts';
import { periodAt, periodsOf, type Range } from './periods.ts';
import { createSumReader, tokensOf, type Sums } from './sums.ts';
import { tally, type Cell } from './tally.ts';
import type { Zone } from './zone.ts';

/** A charge for one class of tokens in one day; FOCUS has its columns from it. */
export interface FocusCharge {
  /** Milliseconds since the Unix epoch. */
  day: Range;
  month: Range;
  kind: Kind;
  /** `null` where a charge is for all tokens together. */
  of: keyof TokenClasses | null;
  tokens: number;
  /** For a million tokens. */
  unitUsd: number;
  billedUsd: number;
  /** With its share of machines of one's own. */
  effectiveUsd: number;
}

export interface FocusOptions {
  database: Database;
  charges: Charges;
  range: Range;
  zone: Zone;
  machines: readonly Hardware[];
}

const NANO = 1e9;
const MILLION = 1e6;
/** How far prices of now may be from what was recorded, as a share, before they are not believed. */
const TOLERANCE = 1e-6;

/**
 * What is charged, day by day: one charge for each class of tokens, or one for all where the prices
 * that they were priced by are not at hand any more. Attempts without a known price are in none.
 */
export function focusCharges(options: FocusOptions): { charges: FocusCharge[]; unpriced: number } {
  const { database, charges, range, zone, machines } = options;
  const view = database.transaction(() => {
    const reader = createSumReader(database);
    const sources = { reader, kinds: readKinds(database), machines, claudeUsd: () => 0 };
    const all: FocusCharge[] = [];
    let unpriced = 0;
    // Machines cost nothing before anything was recorded.
    const since = Math.max(range.since, reader.extent()?.first ?? range.until);
    const days = periodsOf('day', { since, until: range.until }, zone);
    for (const { period, cells } of tally(sources, days)) {
      const month = periodAt('month', period.since, zone);
      const when = { day: period.whole, month: { since: month.since, until: month.until } };
      for (const cell of cells) {
        unpriced += cell.sums.attempts - cell.sums.priced;
        if (cell.kind.priceVersion === '') continue;
        for (const charge of chargesOf(cell, charges.priceOf(cell.kind.target, period.since))) {
          all.push({ ...when, kind: cell.kind, ...charge });
        }
      }
    }
    return { charges: all, unpriced };
  });
  return withStorage(() => view.deferred());
}

type Charge = Omit<FocusCharge, 'day' | 'month' | 'kind'>;

function chargesOf({ kind, sums, hardwareUsd }: Cell, price: Price | undefined): Charge[] {
  const billedUsd = sums.nanoUsd / NANO;
  const rates = price && ratesOf(kind, price);
  const whole = wholeCharge(sums, billedUsd, hardwareUsd);
  if (kind.selfHosted || rates === undefined) return whole;
  const share = kind.batch ? (price?.batchShare ?? 1) : 1;
  const parts = classesOf(sums).flatMap(({ of, tokens }) => {
    const rate = rateOf(rates, of);
    return rate === undefined ? [] : [{ of, tokens, unitUsd: rate * share }];
  });
  const reckoned = parts.reduce(
    (sum, { tokens, unitUsd }) => sum + (tokens * unitUsd) / MILLION,
    0,
  );
  if (Math.abs(reckoned - billedUsd) > TOLERANCE * Math.max(billedUsd, 1e-3)) return whole;
  // Each attempt was rounded to a billionth; the dearest class takes what that makes in all.
  const dearest = parts.reduce<(typeof parts)[number] | undefined>(
    (most, part) =>
      most === undefined || part.tokens * part.unitUsd > most.tokens * most.unitUsd ? part : most,
    undefined,
  );
  return parts.map((part) => {
    const usd =
      (part.tokens * part.unitUsd) / MILLION + (part === dearest ? billedUsd - reckoned : 0);
    return { ...part, billedUsd: usd, effectiveUsd: usd };
  });
}

function wholeCharge(sums: Sums, billedUsd: number, hardwareUsd: number): Charge[] {
  const tokens = tokensOf(sums);
  if (tokens === 0 && billedUsd === 0 && hardwareUsd === 0) return [];
  const unitUsd = tokens === 0 ? 0 : (billedUsd / tokens) * MILLION;
  return [{ of: null, tokens, unitUsd, billedUsd, effectiveUsd: billedUsd + hardwareUsd }];
}

/** The rates that an attempt of the kind was priced by; `undefined` where the prices of now are others. */
function ratesOf(
  { priceVersion }: Kind,
  { version, usdPerMTok, longPrompts = [] }: Price,
): Rates | undefined {
  if (priceVersion === version) return usdPerMTok;
  return longPrompts.find(({ aboveTokens }) => priceVersion === `${version} >${aboveTokens}`)
    ?.usdPerMTok;
}

function classesOf(sums: Sums): { of: keyof TokenClasses; tokens: number }[] {
  const tokens: TokenClasses = {
    input: sums.inputTokens,
    cacheRead: sums.cacheReadTokens,
    cacheWrite: sums.cacheWriteTokens,
    cacheWriteHour: sums.cacheWriteHourTokens,
    output: sums.outputTokens - sums.reasoningTokens,
    reasoning: sums.reasoningTokens,
  };
  return TOKEN_CLASSES.flatMap((of) => (tokens[of] === 0 ? [] : [{ of, tokens: tokens[of] }]));
}
