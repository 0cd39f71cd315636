import type { Usage } from '../core/request.ts';

/** What a model's tokens cost, in US dollars per million. */
export interface Price {
  inputUsdPerMTok: number;
  /** Writing a prefix that is cached for five minutes. */
  cacheWriteUsdPerMTok: number;
  cacheReadUsdPerMTok: number;
  outputUsdPerMTok: number;
}

const SONNET_4: Price = price(3, 3.75, 0.3, 15);
const SONNET_5: Price = price(2, 2.5, 0.2, 10);
const HAIKU_4_5: Price = price(1, 1.25, 0.1, 5);
const OPUS: Price = price(5, 6.25, 0.5, 25);

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
  if (inputTokens === undefined || outputTokens === undefined) return undefined;
  const fresh = Math.max(0, inputTokens - cachedInputTokens - cacheWriteTokens);
  const total =
    fresh * of.inputUsdPerMTok +
    cachedInputTokens * of.cacheReadUsdPerMTok +
    cacheWriteTokens * of.cacheWriteUsdPerMTok +
    outputTokens * of.outputUsdPerMTok;
  return total / 1e6;
}

function price(input: number, cacheWrite: number, cacheRead: number, output: number): Price {
  return {
    inputUsdPerMTok: input,
    cacheWriteUsdPerMTok: cacheWrite,
    cacheReadUsdPerMTok: cacheRead,
    outputUsdPerMTok: output,
  };
}
