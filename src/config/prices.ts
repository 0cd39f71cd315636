import type { Usage } from '../core/request.ts';

/** What a model's tokens cost, in US dollars per million. */
export interface Price {
  inputUsdPerMTok: number;
  /** Writing a prefix that is cached for five minutes. */
  cacheWriteUsdPerMTok: number;
  /** The same for an hour. */
  cacheWriteHourUsdPerMTok: number;
  cacheReadUsdPerMTok: number;
  outputUsdPerMTok: number;
}

const SONNET_4: Price = price(3, 3.75, 6, 0.3, 15);
const SONNET_5: Price = price(2, 2.5, 4, 0.2, 10);
const HAIKU_4_5: Price = price(1, 1.25, 2, 0.1, 5);
const OPUS: Price = price(5, 6.25, 10, 0.5, 25);

/** Of the prices below; what was priced by them says so. */
export const PRICE_VERSION = '2026-11';

/** What an attempt cost. */
export interface Charge {
  /** Whether it ran on a machine of one's own: no invoice comes from there. */
  selfHosted: boolean;
  /** Absent where no price is known or no tokens were reported: never 0 for want of knowledge. */
  usd?: number;
  /** What it was priced by; absent where `usd` is. */
  priceVersion?: string;
}

/** Anthropic's list prices as of November 2026, by the model's exact id. */
const PRICES: Readonly<Record<string, Price>> = {
  'claude-sonnet-4-5': SONNET_4,
  'claude-sonnet-4-6': SONNET_4,
  'claude-sonnet-5': SONNET_5,
  'claude-sonnet-5-5': SONNET_5,
  'claude-haiku-4-5': HAIKU_4_5,
  'claude-opus-4-5': OPUS,
  'claude-opus-4-6': OPUS,
  'claude-opus-5': OPUS,
};

/** `undefined` for a model whose price is not known; a price is never guessed from a similar name. */
export function priceOf(model: string): Price | undefined {
  return Object.hasOwn(PRICES, model) ? PRICES[model] : undefined;
}

/**
 * US dollars for one attempt.
 * @returns `undefined` where input or output tokens were not reported
 */
export function usdOf(usage: Usage, of: Price): number | undefined {
  const { inputTokens, outputTokens, cachedInputTokens = 0, cacheWriteTokens = 0 } = usage;
  const hourTokens = Math.min(usage.cacheWriteHourTokens ?? 0, cacheWriteTokens);
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const fresh = Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens);
  const total =
    fresh * of.inputUsdPerMTok +
    cachedInputTokens * of.cacheReadUsdPerMTok +
    (cacheWriteTokens - hourTokens) * of.cacheWriteUsdPerMTok +
    hourTokens * of.cacheWriteHourUsdPerMTok +
    outputTokens * of.outputUsdPerMTok;
  return total / 1e6;
}

function price(
  input: number,
  cacheWrite: number,
  cacheWriteHour: number,
  cacheRead: number,
  output: number,
): Price {
  return {
    inputUsdPerMTok: input,
    cacheWriteUsdPerMTok: cacheWrite,
    cacheWriteHourUsdPerMTok: cacheWriteHour,
    cacheReadUsdPerMTok: cacheRead,
    outputUsdPerMTok: output,
  };
}
