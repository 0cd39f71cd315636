import { z } from 'zod';
import type { Problem } from '../../core/errors.ts';
import { CURRENCY } from './price-file.ts';

/** A file of prices as it is written, and what was passed over. */
export interface ImportedPrices {
  file: {
    version: string;
    currency: string;
    prices: {
      provider: string;
      models: string[];
      usdPerMTok: Record<string, number>;
      longPrompts?: { aboveTokens: number; usdPerMTok: Record<string, number> }[];
      batchShare?: number;
      source: string;
    }[];
  };
  problems: Problem[];
  /** Entries that price no tokens, as images. */
  passedOver: number;
}

const perToken = z.number().min(0);
const entrySchema = z.looseObject({
  litellm_provider: z.string().min(1),
  input_cost_per_token: perToken,
  output_cost_per_token: perToken,
  cache_read_input_token_cost: perToken.nullish(),
  cache_creation_input_token_cost: perToken.nullish(),
  cache_creation_input_token_cost_above_1hr: perToken.nullish(),
  output_cost_per_reasoning_token: perToken.nullish(),
  input_cost_per_token_batches: perToken.nullish(),
  output_cost_per_token_batches: perToken.nullish(),
});
type Entry = z.output<typeof entrySchema>;

/** The field that a rate has there, and ours. */
const RATES = {
  input: 'input_cost_per_token',
  output: 'output_cost_per_token',
  cacheRead: 'cache_read_input_token_cost',
  cacheWrite: 'cache_creation_input_token_cost',
  cacheWriteHour: 'cache_creation_input_token_cost_above_1hr',
  reasoning: 'output_cost_per_reasoning_token',
} as const;

/**
 * Prices in LiteLLM's shape (`model_prices_and_context_window.json`): one object, by model, in US
 * dollars per token. A rate that is not there stays unknown. Names keep their form, but for the
 * provider's own before a slash: `openrouter/a/b` of provider `openrouter` is its model `a/b`.
 * @param providers those whose prices are wanted; all when empty
 */
export function fromLiteLlm(
  content: unknown,
  version: string,
  providers: readonly string[],
): ImportedPrices {
  const imported: ImportedPrices = {
    file: { version, currency: CURRENCY, prices: [] },
    problems: [],
    passedOver: 0,
  };
  const entries = z.record(z.string(), z.unknown()).safeParse(content);
  if (!entries.success) {
    imported.problems.push({ path: '(root)', message: 'expected an object of prices by model' });
    return imported;
  }
  const seen = new Set<string>();
  for (const [name, value] of Object.entries(entries.data)) {
    // The file begins with an entry that explains the others.
    if (name === 'sample_spec') continue;
    const currency = z.looseObject({ currency: z.string() }).safeParse(value).data?.currency;
    if (currency !== undefined && currency !== CURRENCY) {
      imported.problems.push({
        path: name,
        message: `${currency}: amounts are added up in ${CURRENCY}, and of two currencies there is no sum`,
      });
      continue;
    }
    if (!pricesTokens(value)) {
      imported.passedOver += 1;
      continue;
    }
    const parsed = entrySchema.safeParse(value);
    if (!parsed.success) {
      imported.problems.push(
        ...parsed.error.issues.map(({ path, message }) => ({
          path: [name, ...path].join('.'),
          message,
        })),
      );
      continue;
    }
    const entry = parsed.data;
    const provider = entry.litellm_provider;
    if (providers.length > 0 && !providers.includes(provider)) continue;
    const model = name.startsWith(`${provider}/`) ? name.slice(provider.length + 1) : name;
    const key = `${provider}:${model}`;
    if (seen.has(key)) {
      imported.problems.push({ path: name, message: `${key} is priced twice` });
      continue;
    }
    seen.add(key);
    imported.file.prices.push(priceOf(provider, model, entry));
  }
  return imported;
}

function pricesTokens(value: unknown): boolean {
  return (
    typeof value === 'object' &&
    value !== null &&
    'output_cost_per_token' in value &&
    'input_cost_per_token' in value
  );
}

function priceOf(
  provider: string,
  model: string,
  entry: Entry,
): ImportedPrices['file']['prices'][number] {
  const base = ratesOf(entry, '');
  const longPrompts = thresholdsOf(entry).map((thousands) => ({
    aboveTokens: thousands * 1000,
    usdPerMTok: { ...base, ...ratesOf(entry, `_above_${thousands}k_tokens`) },
  }));
  const batchShare = batchShareOf(entry);
  return {
    provider,
    models: [model],
    usdPerMTok: base,
    ...(longPrompts.length === 0 ? {} : { longPrompts }),
    ...(batchShare === undefined ? {} : { batchShare }),
    source: 'LiteLLM',
  };
}

function ratesOf(entry: Entry, suffix: string): Record<string, number> {
  return Object.fromEntries(
    Object.entries(RATES).flatMap(([rate, field]): [string, number][] => {
      const value = entry[`${field}${suffix}`];
      return typeof value === 'number' ? [[rate, perMillion(value)]] : [];
    }),
  );
}

/** In thousands, the shortest first. */
function thresholdsOf(entry: Entry): number[] {
  return Object.keys(entry)
    .flatMap((field) => {
      const thousands = /^input_cost_per_token_above_(\d+)k_tokens$/.exec(field)?.[1];
      return thousands === undefined ? [] : [Number(thousands)];
    })
    .sort((a, b) => a - b);
}

/** Only where input and output cost the same share: there is one share for both. */
function batchShareOf(entry: Entry): number | undefined {
  const { input_cost_per_token_batches: input, output_cost_per_token_batches: output } = entry;
  if (typeof input !== 'number' || typeof output !== 'number') return undefined;
  const shares = [input / entry.input_cost_per_token, output / entry.output_cost_per_token];
  const [first = Number.NaN, second = Number.NaN] = shares.map((share) => Number(share.toFixed(4)));
  return first === second && first > 0 && first <= 1 ? first : undefined;
}

/** Without what a product of small numbers leaves in the last places. */
function perMillion(perOne: number): number {
  return Number((perOne * 1e6).toPrecision(12));
}
