import type { ServerConfig } from '../../config/schema.ts';
import type { Database } from '../../storage/database.ts';
import { withStorage } from '../../storage/failure.ts';
import { readKinds, type Kind } from '../report/kinds.ts';
import { periodsOf } from '../report/periods.ts';
import { createSumReader, type Sums } from '../report/sums.ts';
import { openZone } from '../report/zone.ts';
import { COMPARED, type Compared, type ProviderLine } from './provider-csv.ts';

/** What differs in a day and a model. */
export interface Difference {
  day: string;
  model: string;
  what: Compared;
  /** `null` where the ledger has nothing of that day and model. */
  ledger: number | null;
  /** `null` where the provider has nothing of it. */
  provider: number | null;
}

export interface Reconciled {
  /** The first and the last day that were compared, in UTC. */
  days: { first: string; last: string } | undefined;
  /** Pairs of day and model that were compared. */
  compared: number;
  matched: number;
  differences: Difference[];
  total: Record<Compared, { ledger: number; provider: number | null }>;
  /** Attempts of those days whose cost the ledger does not know. */
  unpriced: number;
}

export interface ReconcileOptions {
  database: Database;
  servers: Readonly<Record<string, ServerConfig>>;
  lines: readonly ProviderLine[];
  /** Share of the provider's figure that may be missing without being told. */
  tolerance: number;
}

type Figures = Record<Compared, number>;

const NANO = 1e9;
const DAY_MS = 86_400_000;
/** Dollars below this are what rounding to cents leaves. */
const ROUNDING_USD = 0.01;

/**
 * Lays a provider's figures beside the ledger's. Models are the same where their ids are, but for
 * the date at the end of one, and where a name is that id as it is displayed.
 */
export function reconcile(options: ReconcileOptions): Reconciled {
  const { lines, tolerance } = options;
  const told = new Map<string, Partial<Figures>>();
  for (const { day, model, figures } of lines) {
    const key = keyOf(day, model);
    const so = told.get(key) ?? {};
    for (const what of COMPARED) {
      const more = figures[what];
      if (more !== undefined) so[what] = (so[what] ?? 0) + more;
    }
    told.set(key, so);
  }
  const days = lines.map(({ day }) => day).sort();
  const [first] = days;
  const last = days.at(-1);
  const { recorded, unpriced } =
    first === undefined || last === undefined
      ? { recorded: new Map<string, Figures>(), unpriced: 0 }
      : recordedOf(options, first, last);
  const compared = COMPARED.filter((what) =>
    lines.some(({ figures }) => figures[what] !== undefined),
  );
  const differences: Difference[] = [];
  let matched = 0;
  const keys = [...new Set([...told.keys(), ...recorded.keys()])].sort();
  for (const key of keys) {
    const theirs = told.get(key);
    const ours = recorded.get(key);
    const found = compared.filter(
      (what) => !isSame(what, ours?.[what] ?? 0, theirs?.[what] ?? 0, tolerance),
    );
    if (found.length === 0) matched += 1;
    const [day = '', model = ''] = key.split(' ');
    differences.push(
      ...found.map((what) => ({
        day,
        model,
        what,
        ledger: ours === undefined ? null : ours[what],
        provider: theirs === undefined ? null : (theirs[what] ?? 0),
      })),
    );
  }
  return {
    days: first === undefined || last === undefined ? undefined : { first, last },
    compared: keys.length,
    matched,
    differences,
    total: totalsOf(compared, recorded, told),
    unpriced,
  };
}

function recordedOf(
  { database, servers }: ReconcileOptions,
  first: string,
  last: string,
): { recorded: Map<string, Figures>; unpriced: number } {
  const view = database.transaction(() => {
    const reader = createSumReader(database);
    const kinds = readKinds(database);
    const recorded = new Map<string, Figures>();
    let unpriced = 0;
    const range = { since: Date.parse(first), until: Date.parse(last) + DAY_MS };
    for (const period of periodsOf('day', range, openZone('UTC'))) {
      for (const { kind: id, sums } of reader.byKind(period)) {
        const kind = kinds.get(id);
        if (kind === undefined || !isTheirs(kind, servers)) continue;
        unpriced += sums.attempts - sums.priced;
        const key = keyOf(period.key, kind.model);
        const more = figuresOf(sums);
        // What was refused used nothing, and is in no export.
        if (COMPARED.every((what) => more[what] === 0)) continue;
        const so = recorded.get(key);
        recorded.set(key, so === undefined ? more : plus(so, more));
      }
    }
    return { recorded, unpriced };
  });
  return withStorage(() => view.deferred());
}

/** Whether Anthropic bills it. */
function isTheirs(kind: Kind, servers: ReconcileOptions['servers']): boolean {
  return !kind.selfHosted && servers[kind.provider]?.kind === 'anthropic';
}

function figuresOf(sums: Sums): Figures {
  const { inputTokens, cacheReadTokens, cacheWriteTokens, cacheWriteHourTokens, outputTokens } =
    sums;
  return {
    inputTokens,
    cacheReadTokens,
    cacheWriteTokens,
    cacheWriteHourTokens,
    outputTokens,
    usd: sums.nanoUsd / NANO,
  };
}

function plus(a: Figures, b: Figures): Figures {
  const sum = { ...a };
  for (const what of COMPARED) sum[what] += b[what];
  return sum;
}

function isSame(what: Compared, ledger: number, provider: number, tolerance: number): boolean {
  const apart = Math.abs(ledger - provider);
  if (what === 'usd' && apart <= ROUNDING_USD) return true;
  return apart <= tolerance * Math.max(Math.abs(provider), Math.abs(ledger));
}

function totalsOf(
  compared: readonly Compared[],
  recorded: ReadonlyMap<string, Figures>,
  told: ReadonlyMap<string, Partial<Figures>>,
): Reconciled['total'] {
  const sum = (what: Compared, of: Iterable<Partial<Figures>>): number =>
    [...of].reduce((total, figures) => total + (figures[what] ?? 0), 0);
  const of = (what: Compared) => ({
    ledger: sum(what, recorded.values()),
    provider: compared.includes(what) ? sum(what, told.values()) : null,
  });
  return {
    inputTokens: of('inputTokens'),
    cacheReadTokens: of('cacheReadTokens'),
    cacheWriteTokens: of('cacheWriteTokens'),
    cacheWriteHourTokens: of('cacheWriteHourTokens'),
    outputTokens: of('outputTokens'),
    usd: of('usd'),
  };
}

/** `2026-11-24 claude-haiku-4-5`, of `claude-haiku-4-5-20251001` and of `Claude Haiku 4.5` alike. */
function keyOf(day: string, model: string): string {
  const id = model
    .trim()
    .toLowerCase()
    .replaceAll(/[ .]/g, '-')
    .replace(/-\d{8}$/, '');
  return `${day} ${id}`;
}
