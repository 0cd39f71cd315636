import { z } from 'zod';
import type { Problem } from '../../core/errors.ts';
import { instant } from './instant.ts';

/** What the ledger counts in. Amounts of several currencies cannot be added up. */
export const CURRENCY = 'USD';

/** A thousandth of this is what a price per token looks like beside one per million. */
const LEAST_USD_PER_MTOK = 0.0005;

const rate = z
  .number()
  .min(0)
  .max(10_000, 'expected US dollars per million tokens')
  .refine(
    (value) => value <= 0 || value >= LEAST_USD_PER_MTOK,
    'looks like a price per token: expected US dollars per million tokens',
  );

const ratesSchema = z.strictObject({
  input: rate,
  output: rate,
  cacheRead: rate.exactOptional().describe('Tokens that came from a cache.'),
  cacheWrite: rate.exactOptional().describe('Tokens written to a cache for five minutes.'),
  cacheWriteHour: rate.exactOptional().describe('Tokens written to a cache for an hour.'),
  reasoning: rate.exactOptional().describe('Tokens thought and not said; as `output` when absent.'),
});
/** US dollars per million tokens. A class of tokens without a rate has no known price. */
export type Rates = z.output<typeof ratesSchema>;

const priceSchema = z.strictObject({
  provider: z.string().min(1).describe('`anthropic`, or the name of a configured server.'),
  models: z.array(z.string().min(1)).min(1).describe('Exact ids.'),
  from: instant.exactOptional().describe('From when it holds: a date (UTC) or a time.'),
  until: instant.exactOptional().describe('Until when it holds, that moment not included.'),
  usdPerMTok: ratesSchema.describe('US dollars per million tokens.'),
  longPrompts: z
    .array(
      z.strictObject({
        aboveTokens: z.int().min(1),
        usdPerMTok: ratesSchema,
      }),
    )
    .min(1)
    .exactOptional()
    .describe('Other rates for the whole request where its prompt is longer.'),
  batchShare: z
    .number()
    .gt(0)
    .max(1)
    .exactOptional()
    .describe('What a request in a batch costs, as a share; unknown when absent.'),
  source: z.string().exactOptional().describe('Where it was read.'),
});
export type FilePrice = z.output<typeof priceSchema>;

/** A file of prices. */
export const priceFileSchema = z.strictObject({
  $schema: z.string().exactOptional(),
  version: z.string().min(1).max(80).describe('What attempts that it priced are marked with.'),
  currency: z.string().describe('USD.'),
  prices: z.array(priceSchema),
});
export type PriceFile = z.output<typeof priceFileSchema>;

/** A file's prices, or everything that is wrong with it. */
export type ReadPrices =
  | { ok: true; file: PriceFile }
  | { ok: false; problems: readonly Problem[] };

/** A price with its place in the file. */
type Placed = readonly [place: number, price: FilePrice];

/** @param content of the file, parsed as JSON */
export function readPrices(content: unknown): ReadPrices {
  const parsed = priceFileSchema.safeParse(content);
  const shape = parsed.error?.issues.flatMap((issue) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => problem([...issue.path, key], 'there is no such key'))
      : [problem(issue.path, issue.message)],
  );
  const { currency, placed } = wellFormed(content);
  const problems = [
    ...(shape ?? []),
    ...currencyProblems(currency),
    ...periodProblems(placed),
    ...lengthProblems(placed),
  ];
  return parsed.success && problems.length === 0
    ? { ok: true, file: parsed.data }
    : { ok: false, problems };
}

/** What can be checked further, so that every problem of a file is told at once. */
function wellFormed(content: unknown): { currency: string; placed: Placed[] } {
  const { currency, prices } = looseSchema.parse(content);
  const placed = prices.flatMap((price, place): Placed[] => {
    const parsed = priceSchema.safeParse(price);
    return parsed.success ? [[place, parsed.data]] : [];
  });
  return { currency, placed };
}

const looseSchema = z
  .looseObject({
    currency: z.string().catch(CURRENCY),
    prices: z.array(z.unknown()).catch([]),
  })
  .catch({ currency: CURRENCY, prices: [] });

function problem(path: readonly PropertyKey[], message: string): Problem {
  return { path: path.map(String).join('.') || '(root)', message };
}

function currencyProblems(currency: string): Problem[] {
  if (currency === CURRENCY) return [];
  return [
    problem(
      ['currency'],
      `${currency}: amounts are added up in ${CURRENCY}, and of two currencies there is no sum; convert the prices`,
    ),
  ];
}

/** Periods that are empty, or of which two hold at once for a model. */
function periodProblems(placed: readonly Placed[]): Problem[] {
  const problems: Problem[] = [];
  const seen = new Map<string, Placed[]>();
  for (const [place, price] of placed) {
    const { from = -Infinity, until = Infinity } = price;
    if (until <= from) {
      problems.push(problem(['prices', place, 'until'], 'it ends before it begins'));
      continue;
    }
    for (const model of new Set(price.models)) {
      const key = `${price.provider}:${model}`;
      const others = seen.get(key) ?? [];
      for (const [other, { from: otherFrom = -Infinity, until: otherUntil = Infinity }] of others) {
        if (from >= otherUntil || otherFrom >= until) continue;
        problems.push(
          problem(
            ['prices', place],
            `${key} has two prices at once: prices.${other} holds ${period(otherFrom, otherUntil)}, this one ${period(from, until)}`,
          ),
        );
      }
      seen.set(key, [...others, [place, price]]);
    }
  }
  return problems;
}

function lengthProblems(placed: readonly Placed[]): Problem[] {
  return placed.flatMap(([place, { longPrompts = [] }]) =>
    longPrompts.flatMap(({ aboveTokens }, index) =>
      aboveTokens > (longPrompts[index - 1]?.aboveTokens ?? 0)
        ? []
        : [problem(['prices', place, 'longPrompts', index], 'the shorter prompts come first')],
    ),
  );
}

/** `from 2026-01-01 until 2026-07-01`. */
export function period(from: number, until: number): string {
  const parts = [
    ...(from === -Infinity ? [] : [`from ${day(from)}`]),
    ...(until === Infinity ? [] : [`until ${day(until)}`]),
  ];
  return parts.length === 0 ? 'always' : parts.join(' ');
}

function day(at: number): string {
  return new Date(at).toISOString().replace('T00:00:00.000Z', '');
}
