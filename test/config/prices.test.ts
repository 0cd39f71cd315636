import { describe, expect, it } from 'vitest';
import { priceOf, usdOf } from '../../src/config/prices.ts';

/** Dollars per million tokens: input, 5-minute and 1-hour cache write, cache read, output. */
const GOLDEN: readonly (readonly [string, number, number, number, number, number])[] = [
  ['claude-sonnet-4-5', 3, 3.75, 6, 0.3, 15],
  ['claude-sonnet-4-6', 3, 3.75, 6, 0.3, 15],
  ['claude-sonnet-5', 2, 2.5, 4, 0.2, 10],
  ['claude-sonnet-5-5', 2, 2.5, 4, 0.2, 10],
  ['claude-haiku-4-5', 1, 1.25, 2, 0.1, 5],
  ['claude-opus-4-5', 5, 6.25, 10, 0.5, 25],
  ['claude-opus-4-6', 5, 6.25, 10, 0.5, 25],
  ['claude-opus-5', 5, 6.25, 10, 0.5, 25],
];

describe('priceOf', () => {
  it.each(GOLDEN)('%s', (model, input, cacheWrite, cacheWriteHour, cacheRead, output) => {
    expect(priceOf(model)).toEqual({
      inputUsdPerMTok: input,
      cacheWriteUsdPerMTok: cacheWrite,
      cacheWriteHourUsdPerMTok: cacheWriteHour,
      cacheReadUsdPerMTok: cacheRead,
      outputUsdPerMTok: output,
    });
  });

  it.each([
    'claude-sonnet-4',
    'claude-sonnet-4-5 ',
    'Claude-Sonnet-4-5',
    'claude-sonnet-4-5-latest',
    'anthropic:claude-sonnet-4-5',
    'gpt-5',
    'constructor',
    '',
  ])('knows no price of %j, and guesses none', (model) => {
    expect(priceOf(model)).toBeUndefined();
  });
});

describe('usdOf', () => {
  const sonnet = priceOf('claude-sonnet-4-5');
  if (sonnet === undefined) throw new Error('The price of Sonnet 4.5 is gone.');

  it.each([
    ['a million of each', { inputTokens: 1e6, outputTokens: 1e6 }, 18],
    // A prompt of a thousand tokens and five hundred more cost about a cent, not a thousandth of one.
    ['a usual request', { inputTokens: 1000, outputTokens: 500 }, 0.0105],
    ['all from the cache', { inputTokens: 1e6, outputTokens: 0, cachedInputTokens: 1e6 }, 0.3],
    ['all into the cache', { inputTokens: 1e6, outputTokens: 0, cacheWriteTokens: 1e6 }, 3.75],
    [
      'fresh, read and written',
      { inputTokens: 1e6, outputTokens: 1e5, cachedInputTokens: 6e5, cacheWriteTokens: 1e5 },
      0.9 + 0.18 + 0.375 + 1.5,
    ],
    [
      'written for five minutes and for an hour',
      { inputTokens: 1e6, outputTokens: 0, cacheWriteTokens: 1e6, cacheWriteHourTokens: 4e5 },
      0.6 * 3.75 + 0.4 * 6,
    ],
    ['nothing', { inputTokens: 0, outputTokens: 0 }, 0],
    // Cache counts beyond the prompt are the server's mistake; no token has a price below zero.
    ['too many cached', { inputTokens: 10, outputTokens: 0, cachedInputTokens: 1e6 }, 0.3],
  ])('%s', (_, usage, usd) => {
    expect(usdOf(usage, sonnet)).toBeCloseTo(usd, 12);
  });

  it.each([{}, { inputTokens: 5 }, { outputTokens: 5 }, { cachedInputTokens: 5 }])(
    'is unknown, not 0, for %j',
    (usage) => {
      expect(usdOf(usage, sonnet)).toBeUndefined();
    },
  );
});
