import type { Usage } from '../../core/request.ts';
import type { FilePrice, PriceFile, Rates } from './price-file.ts';

/** A price as it holds for one model. */
export interface Price extends Omit<FilePrice, 'models'> {
  model: string;
  /** Of the file it stands in. */
  version: string;
  /** Whether it stands in a file of the user's. */
  isOwn: boolean;
}

/** What a request cost, and by what that was reckoned. */
export interface Reckoned {
  usd: number;
  /** The version of the file; the length from which on the rates hold, for a long prompt. */
  priceVersion: string;
}

export interface PriceBook {
  /** Never guessed from a similar name. */
  find(provider: string, model: string, at: number): Price | undefined;
  /** In the order of the files, those of the user first. */
  readonly prices: readonly Price[];
}

/** @param own where it has a price, the package's is not asked */
export function createPriceBook(packaged: PriceFile, own?: PriceFile): PriceBook {
  const prices = [...pricesOf(own, true), ...pricesOf(packaged, false)];
  const byModel = new Map<string, Price[]>();
  for (const price of prices) {
    const key = keyOf(price.provider, price.model);
    const others = byModel.get(key);
    if (others === undefined) byModel.set(key, [price]);
    else others.push(price);
  }
  return {
    prices,
    find: (provider, model, at) =>
      byModel
        .get(keyOf(provider, model))
        ?.find(({ from = -Infinity, until = Infinity }) => at >= from && at < until),
  };
}

function keyOf(provider: string, model: string): string {
  return `${provider}:${model}`;
}

function pricesOf(file: PriceFile | undefined, isOwn: boolean): Price[] {
  if (file === undefined) return [];
  return file.prices.flatMap(({ models, ...price }) =>
    [...new Set(models)].map((model) => ({ ...price, model, version: file.version, isOwn })),
  );
}

/**
 * US dollars for one request.
 * @returns `undefined` where input or output tokens were not reported, or a class of tokens that was
 * used has no price: never 0, and never a guess
 */
export function reckon(usage: Usage, price: Price, batch = false): Reckoned | undefined {
  const { inputTokens, outputTokens } = usage;
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const share = batch ? price.batchShare : 1;
  if (share === undefined) return undefined;
  const long = price.longPrompts?.findLast(({ aboveTokens }) => inputTokens > aboveTokens);
  const usd = usdOf(usage, long?.usdPerMTok ?? price.usdPerMTok);
  if (usd === undefined) return undefined;
  const { version } = price;
  return {
    usd: usd * share,
    priceVersion: long === undefined ? version : `${version} >${long.aboveTokens}`,
  };
}

/** Tokens by the classes that are priced apart; together they are all that was used. */
export interface TokenClasses {
  input: number;
  cacheRead: number;
  cacheWrite: number;
  cacheWriteHour: number;
  output: number;
  reasoning: number;
}

/** No class is below zero, however many cached tokens a server says that it has. */
export function classesOf(usage: Usage): TokenClasses {
  const { inputTokens = 0, outputTokens = 0, cachedInputTokens: cacheRead = 0 } = usage;
  const { cacheWriteTokens: written = 0 } = usage;
  const cacheWriteHour = Math.min(usage.cacheWriteHourTokens ?? 0, written);
  const reasoning = Math.min(usage.reasoningTokens ?? 0, outputTokens);
  return {
    input: Math.max(0, inputTokens - cacheRead - written),
    cacheRead,
    cacheWrite: written - cacheWriteHour,
    cacheWriteHour,
    output: outputTokens - reasoning,
    reasoning,
  };
}

/** The rate of a class; `undefined` where none is known. */
export function rateOf(rates: Rates, of: keyof TokenClasses): number | undefined {
  return of === 'reasoning' ? (rates.reasoning ?? rates.output) : rates[of];
}

export const TOKEN_CLASSES = [
  'input',
  'cacheRead',
  'cacheWrite',
  'cacheWriteHour',
  'output',
  'reasoning',
] as const satisfies readonly (keyof TokenClasses)[];

const MILLION = 1e6;

function usdOf(usage: Usage, rates: Rates): number | undefined {
  const classes = classesOf(usage);
  let total = 0;
  for (const of of TOKEN_CLASSES) {
    const tokens = classes[of];
    const perMTok = rateOf(rates, of);
    if (tokens === 0) continue;
    if (perMTok === undefined) return undefined;
    total += tokens * perMTok;
  }
  return total / MILLION;
}
