import { createHash } from 'node:crypto';
import type { Embedder } from '../embedders/embedder.ts';
import type { PatternFilter, PatternStore } from '../store.ts';
import { lineOf } from './line.ts';

export interface ExportSummary {
  patterns: number;
  /** Of the lines, whatever their order: two stores with the same patterns have the same. */
  sha256: string;
}

/**
 * One line of JSON for each pattern.
 * @param vectors whether each line has its vector too
 */
export function* exportLines(
  store: PatternStore,
  filter: PatternFilter,
  { vectors, embedder }: { vectors: boolean; embedder: Embedder['id'] },
): Generator<string> {
  for (const pattern of store.each(filter)) {
    const line = lineOf(pattern);
    const vector = vectors ? store.vectorOf(pattern.id) : undefined;
    yield JSON.stringify(
      vector === undefined
        ? line
        : { ...line, embedding: { embedder, vector: Array.from(vector) } },
    );
  }
}

/** Count and content of what a filter lets through. */
export function summaryOf(store: PatternStore, filter: PatternFilter): ExportSummary {
  const digests: string[] = [];
  for (const pattern of store.each(filter)) {
    digests.push(
      createHash('sha256')
        .update(JSON.stringify(lineOf(pattern)))
        .digest('hex'),
    );
  }
  const whole = createHash('sha256');
  for (const digest of digests.toSorted()) whole.update(digest);
  return { patterns: digests.length, sha256: whole.digest('hex') };
}
