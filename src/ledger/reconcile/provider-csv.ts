import { parse } from 'csv-parse/sync';
import { z } from 'zod';
import { AppError, messageOf, type Problem } from '../../core/errors.ts';

/** What is compared, day by day and model by model. */
export const COMPARED = [
  'inputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'cacheWriteHourTokens',
  'outputTokens',
  'usd',
] as const;
export type Compared = (typeof COMPARED)[number];

/** What a provider says of a day and a model; what its file does not tell is absent. */
export interface ProviderLine {
  /** In UTC, as `2026-11-24`. */
  day: string;
  /** As the provider writes it. */
  model: string;
  figures: Partial<Record<Compared, number>>;
}

export interface ProviderFile {
  lines: ProviderLine[];
  /** Which of its columns was read as what. */
  columns: Record<string, string>;
  /** Rows that a filter left out. */
  leftOut: number;
}

export interface Filter {
  workspace?: string | undefined;
  key?: string | undefined;
}

/** Headers by what they mean, without case and signs; the first that is there is taken. */
const HEADERS = {
  day: ['usagedateutc', 'date', 'usagedate', 'startingat', 'bucketstart', 'day'],
  model: ['modelversion', 'model', 'modelid'],
  workspace: ['workspace', 'workspaceid', 'workspacename'],
  key: ['apikey', 'apikeyname', 'apikeyid'],
  currency: ['currency', 'billingcurrency', 'costcurrency'],
  inputTokens: ['usageinputtokensnocache', 'uncachedinputtokens', 'inputtokens'],
  cacheReadTokens: ['usageinputtokenscacheread', 'cachereadinputtokens', 'cachereadtokens'],
  cacheWriteTokens: [
    'usageinputtokenscachewrite5m',
    'ephemeral5minputtokens',
    'cachecreationinputtokens',
    'cachewritetokens',
  ],
  cacheWriteHourTokens: ['usageinputtokenscachewrite1h', 'ephemeral1hinputtokens'],
  outputTokens: ['usageoutputtokens', 'outputtokens'],
  usd: ['costusd', 'cost', 'amount', 'amountusd', 'totalcost'],
} as const;
type Meaning = keyof typeof HEADERS;
const MEANINGS = ['day', 'model', 'workspace', 'key', 'currency', ...COMPARED] as const;

/**
 * Reads the usage or the cost export of Anthropic's console, or a file with columns of the same
 * meaning. Rows of one day and model are added up.
 * @throws AppError `reconcile.unreadable`; `reconcile.invalid` with every problem and its line
 */
export function readProviderCsv(text: string, filter: Filter = {}): ProviderFile {
  const records = recordsOf(text);
  const [headers = [], ...rows] = records;
  const columns = columnsOf(headers);
  refuseLacking(columns, headers);
  const problems: Problem[] = [];
  const lines = new Map<string, ProviderLine>();
  let leftOut = 0;
  for (const [index, row] of rows.entries()) {
    const at = (meaning: Meaning): string | undefined => {
      const place = columns.get(meaning);
      return place === undefined ? undefined : row[place]?.trim();
    };
    const tell = (meaning: Meaning, message: string): void => {
      const name = headers[columns.get(meaning) ?? 0] ?? meaning;
      problems.push({ path: `line ${index + 2}, ${name}`, message });
    };
    if (isLeftOut(at, filter)) {
      leftOut += 1;
      continue;
    }
    const currency = at('currency');
    if (currency !== undefined && currency !== '' && currency.toUpperCase() !== 'USD') {
      tell(
        'currency',
        `${currency}: the ledger adds up US dollars, and of two currencies there is no sum`,
      );
      continue;
    }
    const day = /^\d{4}-\d\d-\d\d/.exec(at('day') ?? '')?.[0];
    if (day === undefined || Number.isNaN(Date.parse(day))) {
      tell('day', `${at('day') ?? 'nothing'} is no day`);
      continue;
    }
    const model = at('model') ?? '';
    const line = lines.get(`${day} ${model}`) ?? { day, model, figures: {} };
    lines.set(`${day} ${model}`, line);
    for (const figure of COMPARED) {
      const written = at(figure);
      if (written === undefined || written === '') continue;
      const value = Number(written.replaceAll(/[$,\s]/g, ''));
      if (!Number.isFinite(value)) tell(figure, `${written} is no number`);
      else line.figures[figure] = (line.figures[figure] ?? 0) + value;
    }
  }
  if (problems.length > 0) {
    throw new AppError('reconcile.invalid', 'The file has errors.', {
      problems,
      hint: 'Nothing was compared. Export it from the console once more.',
    });
  }
  const named = [...columns].map(([meaning, place]) => [meaning, headers[place] ?? '']);
  return { lines: [...lines.values()], columns: Object.fromEntries(named), leftOut };
}

function isLeftOut(
  at: (meaning: Meaning) => string | undefined,
  { workspace, key }: Filter,
): boolean {
  return (
    (workspace !== undefined && at('workspace') !== workspace) ||
    (key !== undefined && at('key') !== key)
  );
}

function recordsOf(text: string): string[][] {
  try {
    return z
      .array(z.array(z.string()))
      .parse(parse(text, { bom: true, skip_empty_lines: true, relax_column_count: true }));
  } catch (error) {
    throw new AppError('reconcile.unreadable', `The file is no CSV: ${messageOf(error)}`, {
      hint: 'Give the usage or cost export of the provider’s console as it was downloaded.',
      cause: error,
    });
  }
}

function columnsOf(headers: readonly string[]): Map<Meaning, number> {
  const plain = headers.map((header) => header.toLowerCase().replaceAll(/[^a-z0-9]/g, ''));
  const columns = new Map<Meaning, number>();
  for (const meaning of MEANINGS) {
    const place = HEADERS[meaning].map((name) => plain.indexOf(name)).find((index) => index >= 0);
    if (place !== undefined) columns.set(meaning, place);
  }
  return columns;
}

function refuseLacking(columns: ReadonlyMap<Meaning, number>, headers: readonly string[]): void {
  const lacking = [
    ...(columns.has('day') ? [] : ['a day (usage_date_utc)']),
    ...(columns.has('model') ? [] : ['a model (model_version or model)']),
    ...(COMPARED.some((figure) => columns.has(figure))
      ? []
      : ['tokens (usage_output_tokens, …) or a cost (cost_usd)']),
  ];
  const foreign = headers.find((header) => /^cost_(?!usd|type)[a-z]{3}$/i.test(header.trim()));
  if (foreign !== undefined) {
    throw new AppError('reconcile.invalid', 'The file has errors.', {
      problems: [
        {
          path: foreign,
          message: 'costs in another currency than USD, in which the ledger adds up',
        },
      ],
      hint: 'Nothing was compared.',
    });
  }
  if (lacking.length === 0) return;
  throw new AppError('reconcile.invalid', 'The file has errors.', {
    problems: lacking.map((what) => ({
      path: 'line 1',
      message: `there is no column for ${what}`,
    })),
    hint: `Nothing was compared. Its columns are: ${headers.join(', ') || 'none'}.`,
  });
}
