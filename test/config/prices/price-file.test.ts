import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { pricesJsonSchema, PRICES_SCHEMA_URL } from '../../../src/config/json-schema.ts';
import { loadPrices } from '../../../src/config/prices/load-prices.ts';
import { readPrices } from '../../../src/config/prices/price-file.ts';
import type { Problem } from '../../../src/core/errors.ts';

const RATES = { input: 3, output: 15 };
const price = (changes: object = {}): object => ({
  provider: 'anthropic',
  models: ['m'],
  usdPerMTok: RATES,
  ...changes,
});
const file = (...prices: object[]): object => ({ version: 'v', currency: 'USD', prices });
const problemsOf = (content: unknown): readonly Problem[] => {
  const read = readPrices(content);
  return read.ok ? [] : read.problems;
};

describe('a file of prices', () => {
  it('may be empty, and may hold periods that touch', () => {
    expect(problemsOf(file())).toEqual([]);
    expect(
      problemsOf(
        file(
          price({ until: '2026-07-01' }),
          price({ from: '2026-07-01', until: '2026-08-01T00:00:00Z' }),
          price({ from: '2026-08-01' }),
          price({ provider: 'other' }),
        ),
      ),
    ).toEqual([]);
  });

  it('is told of every price that overlaps another one in time', () => {
    const problems = problemsOf(
      file(
        price({ models: ['m', 'n'], until: '2026-07-01' }),
        price({ from: '2026-06-30' }),
        price({ models: ['n'], from: '2026-01-01', until: '2026-02-01' }),
        price({ models: ['k'] }),
        price({ models: ['k', 'k'] }),
      ),
    );
    expect(problems).toEqual([
      {
        path: 'prices.1',
        message:
          'anthropic:m has two prices at once: prices.0 holds until 2026-07-01, this one from 2026-06-30',
      },
      {
        path: 'prices.2',
        message:
          'anthropic:n has two prices at once: prices.0 holds until 2026-07-01, this one from 2026-01-01 until 2026-02-01',
      },
      {
        path: 'prices.4',
        message: 'anthropic:k has two prices at once: prices.3 holds always, this one always',
      },
    ]);
  });

  it('is told of a period that ends before it begins, and of lengths out of order', () => {
    const lengths = [300_000, 200_000].map((aboveTokens) => ({ aboveTokens, usdPerMTok: RATES }));
    const problems = problemsOf(
      file(
        price({ from: '2026-07-01', until: '2026-07-01' }),
        price({ models: ['n'], longPrompts: lengths }),
      ),
    );
    expect(problems.map(({ path }) => path)).toEqual(['prices.0.until', 'prices.1.longPrompts.1']);
  });

  it('is told of another currency', () => {
    const [problem] = problemsOf({ ...file(price()), currency: 'EUR' });
    expect(problem).toMatchObject({ path: 'currency' });
    expect(problem?.message).toMatch(/EUR.*USD/);
  });

  it.each([
    [{ usdPerMTok: { input: 0.000003, output: 15 } }, 'prices.0.usdPerMTok.input', /per token/],
    [{ usdPerMTok: { input: -1, output: 15 } }, 'prices.0.usdPerMTok.input', /0/],
    [{ usdPerMTok: { input: 3 } }, 'prices.0.usdPerMTok.output', /expected number/],
    [{ usdPerMTok: { ...RATES, cached: 1 } }, 'prices.0.usdPerMTok.cached', /no such key/],
    [{ models: [] }, 'prices.0.models', /./],
    [{ from: 'yesterday' }, 'prices.0.from', /expected a date/],
    [{ from: '2026-11-01T00:00:00' }, 'prices.0.from', /expected a date/],
    [{ batchShare: 0 }, 'prices.0.batchShare', /./],
  ])('is told what is wrong with %j', (changes, path, message) => {
    const problems = problemsOf(file(price(changes)));
    expect(problems.map((each) => each.path)).toEqual([path]);
    expect(problems[0]?.message).toMatch(message);
  });

  it('is told of everything at once', () => {
    const content = {
      ...file(price(), price({ batchShare: 0 }), price(), price({ until: '2020-01-01' })),
      currency: 'EUR',
    };
    expect(problemsOf(content).map(({ path }) => path)).toEqual([
      'prices.1.batchShare',
      'currency',
      'prices.2',
      'prices.3',
      'prices.3',
    ]);
  });

  it.each([null, [], 7, {}, { version: 'v' }])('is no %j', (content) => {
    expect(problemsOf(content).length).toBeGreaterThan(0);
  });
});

describe('loadPrices', () => {
  it('names a file that cannot be read', () => {
    expect(() => loadPrices('/nowhere/prices.json')).toThrow(
      expect.objectContaining({ code: 'prices.unreadable', exitCode: 2 }),
    );
  });
});

describe('the JSON Schema of prices', () => {
  it('is the one in the package', () => {
    expect(JSON.parse(readFileSync(PRICES_SCHEMA_URL, 'utf8'))).toEqual(
      JSON.parse(JSON.stringify(pricesJsonSchema())),
    );
  });
});
