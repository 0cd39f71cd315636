import { AppError } from '../core/errors.ts';
import type { TaskCategory } from '../core/task.ts';
import type { Pattern, Scope } from './pattern.ts';

/** A pattern with the vector of its prompt. */
export interface NewPattern {
  pattern: Pattern;
  vector: ArrayLike<number>;
}

/** Which patterns are meant; all where nothing is said. */
export interface PatternFilter {
  category?: TaskCategory;
  /** Those that hold for this scope. */
  scope?: Scope;
  minConfidence?: number;
  /** Confidence below this. */
  belowConfidence?: number;
  minUses?: number;
  quarantined?: boolean;
  verified?: boolean;
  /** Parts of the name or the prompt, whatever their case. */
  text?: string;
  /** Only those that may be used: not expired, not quarantined. */
  usableAt?: number;
}

export interface PatternMatch {
  pattern: Pattern;
  /** Cosine of the prompts. */
  similarity: number;
}

/** Whose vectors a store holds. */
export interface Space {
  /** As in `embedded:all-minilm-l6-v2`. */
  embedder: string;
  dimension: number;
}

/** @throws AppError `patterns.other-embedder` */
export function refuseOtherEmbedder(own: Space, given: Space): void {
  if (own.embedder === given.embedder && own.dimension === given.dimension) return;
  throw new AppError(
    'patterns.other-embedder',
    `The patterns have vectors of ${own.embedder} (${own.dimension} dimensions), not of ${given.embedder} (${given.dimension}).`,
    {
      hint: `Set patterns.embedder to ${own.embedder}, or change over with \`aqe-llm curate reindex\`.`,
    },
  );
}

export interface Added {
  added: number;
  /** Ids that were there before and were left as they are. */
  known: number;
}

/**
 * What the fleet has learned. Every write is on disk when it returns, whole or not at all; several
 * processes may have a store open, and see each other's writes.
 * @throws AppError `storage.*` where the database fails
 */
export interface PatternStore {
  /** `undefined` while the store is empty and has held nothing. */
  space(): Space | undefined;
  count(filter?: PatternFilter): number;
  /**
   * Adds all or nothing.
   * @throws AppError `patterns.bad-vector`, `patterns.other-embedder`
   */
  add(patterns: readonly NewPattern[], space: Space): Added;
  /** The whole id, or its first characters where they are enough to tell. */
  find(id: string): Pattern | undefined;
  /** Those with this very prompt, the most confident first. */
  byPrompt(prompt: string, filter?: PatternFilter): Pattern[];
  /** The nearest that the filter lets through, the nearest first. */
  search(vector: ArrayLike<number>, k: number, filter?: PatternFilter): Promise<PatternMatch[]>;
  vectorOf(id: string): Float32Array | undefined;
  /** In a steady order, by the least confident or the last written first. */
  list(filter?: PatternFilter, options?: ListOptions): Pattern[];
  /** All that the filter lets through, in the order they were added, without holding them all. */
  each(filter?: PatternFilter): IterableIterator<Pattern>;
  /**
   * Writes what `edit` makes of a pattern as it is now, its id and vector untouched; a new prompt needs a new vector.
   * @returns the pattern as written; `undefined` where there is none
   */
  update(
    id: string,
    edit: (pattern: Pattern) => Pattern,
    vector?: ArrayLike<number>,
  ): Pattern | undefined;
  /** @returns whether it was there */
  remove(id: string): boolean;
  /** Several of the above, whole or not at all. */
  together<Result>(work: () => Result): Result;
  /** Puts every vector into the search index and writes that to its file. */
  settle(onProgress?: (left: number) => void): Promise<void>;
  /** Writes the search index where that is worth it, and lets go of everything. */
  close(): Promise<void>;
}

export interface ListOptions {
  order?: 'newest' | 'least-confident';
  limit?: number;
  offset?: number;
}
