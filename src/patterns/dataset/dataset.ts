import { seededIndex } from '../../core/random.ts';
import { confidenceOf } from '../pattern.ts';
import type { PatternFilter, PatternStore } from '../store.ts';
import {
  balance,
  DATASET_CATEGORIES,
  isDatasetPattern,
  type DatasetCategory,
  dedupe,
  groupsOf,
  splitsOf,
  type Grouped,
  type Member,
  type Split,
} from './groups.ts';
import { scrub } from './scrub.ts';

/** A row of a data set. */
export interface Row {
  id: string;
  messages: { role: 'user' | 'assistant'; content: string }[];
  category: DatasetCategory;
  /** Rows of one group are in one split. */
  group: string;
  confidence: number;
  uses: number;
  verified: string;
  /** Who wrote the answer. */
  target: string;
}

export interface Dataset {
  splits: Record<Split, Row[]>;
  /** What happened to the patterns on the way. */
  account: {
    /** In the store, by the filter. */
    patterns: number;
    /** Not sure enough, used too rarely, kept from use, expired, or of another kind of work. */
    unfit: number;
    duplicates: number;
    /** Left out to keep the shares of the kinds of work. */
    unbalanced: number;
    rows: number;
    secrets: number;
    byCategory: Record<DatasetCategory, number>;
  };
  /** Rows for a person to look at before anything is trained with them. */
  sample: (Row & { split: Split })[];
}

export interface DatasetOptions {
  store: PatternStore;
  filter: PatternFilter;
  now: number;
  signal: AbortSignal;
  onProgress: (done: number, of: number) => void;
}

/** What a row must reach unless the filter says otherwise. */
const LEAST_CONFIDENCE = 0.8;
const LEAST_USES = 3;
const SAMPLE = 100;
const SEED = 20_261_124;

/**
 * Makes a data set of patterns: those sure and used enough, once each, balanced by kind of work,
 * without secrets, and split so that nothing of one group stands on both sides. The same store gives
 * the same data set.
 */
export async function makeDataset(options: DatasetOptions): Promise<Dataset> {
  const { store, filter, now, signal, onProgress } = options;
  const patterns = store.count(filter);
  const fit: Member[] = [];
  const least = { minConfidence: LEAST_CONFIDENCE, minUses: LEAST_USES };
  for (const pattern of store.each({ ...least, ...filter, usableAt: now })) {
    const vector = store.vectorOf(pattern.id);
    if (vector !== undefined && isDatasetPattern(pattern)) fit.push({ pattern, vector });
  }
  const once = dedupe(fit);
  const chosen = balance(groupsOf(once));
  const splits = splitsOf(chosen);
  let secrets = 0;
  let done = 0;
  const clean = async (text: string): Promise<string> => {
    const scrubbed = await scrub(text);
    secrets += scrubbed.secrets;
    return scrubbed.text;
  };
  const rowsOf = async (members: readonly Grouped[]): Promise<Row[]> => {
    const rows: Row[] = [];
    for (const { pattern, group } of members) {
      signal.throwIfAborted();
      const { id, prompt, answer, category, belief, uses, verified, provenance } = pattern;
      rows.push({
        id,
        messages: [
          { role: 'user', content: await clean(prompt) },
          { role: 'assistant', content: await clean(answer) },
        ],
        category,
        group,
        confidence: confidenceOf(belief),
        uses,
        verified,
        target: provenance.target ?? provenance.source,
      });
      done += 1;
      onProgress(done, chosen.length);
    }
    return rows;
  };
  const made = {
    train: await rowsOf(splits.train),
    validation: await rowsOf(splits.validation),
    test: await rowsOf(splits.test),
  };
  const count = (category: DatasetCategory): number =>
    chosen.filter(({ pattern }) => pattern.category === category).length;
  return {
    splits: made,
    account: {
      patterns,
      unfit: patterns - fit.length,
      duplicates: fit.length - once.length,
      unbalanced: once.length - chosen.length,
      rows: chosen.length,
      secrets,
      byCategory: {
        'test-generation': count('test-generation'),
        'coverage-analysis': count('coverage-analysis'),
        'flaky-detection': count('flaky-detection'),
        'code-review': count('code-review'),
      },
    },
    sample: sampleOf(made),
  };
}

function sampleOf(splits: Dataset['splits']): Dataset['sample'] {
  const all = (['train', 'validation', 'test'] as const).flatMap((split) =>
    splits[split].map((row) => ({ split, ...row })),
  );
  const random = seededIndex(SEED);
  // Fisher and Yates, as far as needed.
  for (let index = 0; index < Math.min(SAMPLE, all.length); index++) {
    const other = index + random(all.length - index);
    const [one, two] = [all[index], all[other]];
    if (one !== undefined && two !== undefined) [all[index], all[other]] = [two, one];
  }
  return all.slice(0, SAMPLE);
}

/** The kinds of work that a data set has rows of. */
export function categoriesIn({ account }: Dataset): DatasetCategory[] {
  return DATASET_CATEGORIES.filter((category) => account.byCategory[category] > 0);
}
