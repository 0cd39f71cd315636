import { describe, expect, it } from 'vitest';
import { loadPrices } from '../../../src/config/prices/load-prices.ts';
import {
  classesOf,
  createPriceBook,
  reckon,
  type Price,
} from '../../../src/config/prices/price-book.ts';
import { readPrices, type PriceFile } from '../../../src/config/prices/price-file.ts';

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

const NOVEMBER = Date.UTC(2026, 10, 24);
const packaged = loadPrices(undefined);
const priceOf = (model: string): Price => {
  const price = packaged.find('anthropic', model, NOVEMBER);
  if (price === undefined) throw new Error(`The price of ${model} is gone.`);
  return price;
};
const fileOf = (content: unknown): PriceFile => {
  const read = readPrices(content);
  if (!read.ok) throw new Error(JSON.stringify(read.problems));
  return read.file;
};

describe('the prices of the package', () => {
  it.each(GOLDEN)('%s', (model, input, cacheWrite, cacheWriteHour, cacheRead, output) => {
    expect(priceOf(model)).toMatchObject({
      usdPerMTok: { input, cacheWrite, cacheWriteHour, cacheRead, output },
      batchShare: 0.5,
      version: '2026-11',
      isOwn: false,
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
  ])('are none of %j, and none is guessed', (model) => {
    expect(packaged.find('anthropic', model, NOVEMBER)).toBeUndefined();
  });

  it('are none of another provider’s model of the same name', () => {
    expect(packaged.find('openrouter', 'claude-sonnet-5', NOVEMBER)).toBeUndefined();
  });
});

describe('reckon', () => {
  const sonnet = priceOf('claude-sonnet-4-6');

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
    ['thought and said', { inputTokens: 0, outputTokens: 1e6, reasoningTokens: 9e5 }, 15],
    ['nothing', { inputTokens: 0, outputTokens: 0 }, 0],
    // Cache counts beyond the prompt are the server's mistake; no token has a price below zero.
    ['too many cached', { inputTokens: 10, outputTokens: 0, cachedInputTokens: 1e6 }, 0.3],
  ])('%s', (_, usage, usd) => {
    expect(reckon(usage, sonnet)?.usd).toBeCloseTo(usd, 12);
    expect(reckon(usage, sonnet, true)?.usd).toBeCloseTo(usd / 2, 12);
    expect(reckon(usage, sonnet)?.priceVersion).toBe('2026-11');
  });

  it.each([{}, { inputTokens: 5 }, { outputTokens: 5 }, { cachedInputTokens: 5 }])(
    'is unknown, not 0, for %j',
    (usage) => {
      expect(reckon(usage, sonnet)).toBeUndefined();
    },
  );

  it('takes the rates of a long prompt for the whole request, and says so', () => {
    const long = priceOf('claude-sonnet-4-5');
    const usage = { inputTokens: 200_000, outputTokens: 1000, cachedInputTokens: 100_000 };
    expect(reckon(usage, long)).toEqual({
      usd: expect.closeTo(0.3 + 0.03 + 0.015, 12),
      priceVersion: '2026-11',
    });
    expect(reckon({ ...usage, inputTokens: 200_001 }, long)).toEqual({
      usd: expect.closeTo(0.600_006 + 0.06 + 0.0225, 12),
      priceVersion: '2026-11 >200000',
    });
  });

  it('knows no price of a class without a rate, nor of a batch without a share', () => {
    const bare: Price = {
      provider: 'p',
      model: 'm',
      version: 'v',
      isOwn: true,
      usdPerMTok: { input: 1, output: 2 },
    };
    const usage = { inputTokens: 1e6, outputTokens: 0 };
    expect(reckon(usage, bare)?.usd).toBe(1);
    expect(reckon({ ...usage, cachedInputTokens: 1 }, bare)).toBeUndefined();
    expect(reckon({ ...usage, cacheWriteTokens: 1 }, bare)).toBeUndefined();
    expect(reckon(usage, bare, true)).toBeUndefined();
    const thinking: Price = { ...bare, usdPerMTok: { input: 1, output: 2, reasoning: 3 } };
    const thought = { inputTokens: 0, outputTokens: 1e6, reasoningTokens: 5e5 };
    expect(reckon(thought, thinking)?.usd).toBe(2.5);
  });

  it('counts every token in one class', () => {
    const usage = {
      inputTokens: 100,
      outputTokens: 30,
      cachedInputTokens: 60,
      cacheWriteTokens: 30,
      cacheWriteHourTokens: 20,
      reasoningTokens: 25,
    };
    expect(classesOf(usage)).toEqual({
      input: 10,
      cacheRead: 60,
      cacheWrite: 10,
      cacheWriteHour: 20,
      output: 5,
      reasoning: 25,
    });
  });
});

describe('a price book', () => {
  const rates = (input: number): object => ({ input, output: 1 });
  const own = fileOf({
    version: 'ours-3',
    currency: 'USD',
    prices: [
      {
        provider: 'anthropic',
        models: ['claude-sonnet-5'],
        from: '2026-11-01',
        until: '2026-12-01',
        usdPerMTok: rates(1.5),
      },
      {
        provider: 'gateway',
        models: ['m', 'n'],
        from: '2026-11-01T08:00:00+01:00',
        usdPerMTok: rates(7),
      },
    ],
  });
  const book = createPriceBook(
    fileOf({
      version: 'p',
      currency: 'USD',
      prices: [{ provider: 'anthropic', models: ['claude-sonnet-5'], usdPerMTok: rates(2) }],
    }),
    own,
  );
  const inputAt = (provider: string, model: string, at: string): number | undefined =>
    book.find(provider, model, Date.parse(at))?.usdPerMTok.input;

  it('asks the user’s file first, and each price only while it holds', () => {
    expect(inputAt('anthropic', 'claude-sonnet-5', '2026-10-31T23:59:59.999Z')).toBe(2);
    expect(inputAt('anthropic', 'claude-sonnet-5', '2026-11-01T00:00:00Z')).toBe(1.5);
    expect(inputAt('anthropic', 'claude-sonnet-5', '2026-11-30T23:59:59.999Z')).toBe(1.5);
    expect(inputAt('anthropic', 'claude-sonnet-5', '2026-12-01T00:00:00Z')).toBe(2);
    expect(inputAt('gateway', 'n', '2026-11-01T06:59:59Z')).toBeUndefined();
    expect(inputAt('gateway', 'n', '2026-11-01T07:00:00Z')).toBe(7);
  });
});
