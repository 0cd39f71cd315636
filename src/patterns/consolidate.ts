import { differenceOf } from './guards.ts';
import { nearPairs } from './near-pairs.ts';
import { confidenceOf, scopeKey, type Pattern } from './pattern.ts';
import type { PatternStore } from './store.ts';

/** A pattern that was taken into a better one that says the same. */
export interface Merge {
  kept: string;
  gone: string;
  similarity: number;
  /** Of the kept one. */
  confidenceBefore: number;
  confidenceAfter: number;
}

export interface Consolidation {
  patterns: number;
  merges: Merge[];
}

/** Less alike, and two prompts are not compared word by word. */
const LEAST_SIMILARITY = 0.95;

/**
 * Merges near-duplicates: prompts at a cosine of 0.95 or more, of one category and scope, in which
 * nothing differs that an answer may hang on. The one that is verified, more confident or older
 * stays; what was observed of the other counts for it. All merges happen, or none; what others have
 * written while the patterns were compared counts.
 * @param apply false only tells what would be merged
 */
export function consolidate(store: PatternStore, { apply }: { apply: boolean }): Consolidation {
  const patterns = [...store.each({ quarantined: false })];
  const vectors = patterns.map(({ id }) => store.vectorOf(id) ?? new Float32Array());
  const pairs = nearPairs(vectors, LEAST_SIMILARITY).toSorted(
    (a, b) => b.similarity - a.similarity,
  );
  const known = new Map<string, Pattern | undefined>();

  /** As it is now, unless it has gone or is not what was compared. */
  function current(place: number): Pattern | undefined {
    const compared = patterns[place];
    if (compared === undefined || known.has(compared.id)) return known.get(compared?.id ?? '');
    const now = store.find(compared.id);
    const isSame = now?.prompt === compared.prompt && now.quarantine === undefined;
    known.set(compared.id, isSame ? now : undefined);
    return known.get(compared.id);
  }

  function mergeAll(): Merge[] {
    const merges: Merge[] = [];
    for (const { first, second, similarity } of pairs) {
      const one = current(first);
      const other = current(second);
      if (one === undefined || other === undefined || !saysTheSame(one, other)) continue;
      const [kept, gone] = isBetter(one, other) ? [one, other] : [other, one];
      const merged = mergeOf(kept, gone);
      known.set(gone.id, undefined);
      known.set(kept.id, merged);
      if (apply) {
        store.remove(gone.id);
        store.update(kept.id, () => merged);
      }
      merges.push({
        kept: kept.id,
        gone: gone.id,
        similarity,
        confidenceBefore: confidenceOf(kept.belief),
        confidenceAfter: confidenceOf(merged.belief),
      });
    }
    return merges;
  }

  const merges = apply && pairs.length > 0 ? store.together(mergeAll) : mergeAll();
  return { patterns: patterns.length, merges };
}

function saysTheSame(one: Pattern, other: Pattern): boolean {
  return (
    one.category === other.category &&
    scopeKey(one.scope) === scopeKey(other.scope) &&
    differenceOf(one.prompt, other.prompt) === undefined
  );
}

function isBetter(one: Pattern, other: Pattern): boolean {
  const isVerified = ({ verified }: Pattern): number => (verified === 'no' ? 0 : 1);
  const byVerification = isVerified(one) - isVerified(other);
  if (byVerification !== 0) return byVerification > 0;
  const byConfidence = confidenceOf(one.belief) - confidenceOf(other.belief);
  if (byConfidence !== 0) return byConfidence > 0;
  return one.createdAt <= other.createdAt;
}

/**
 * Outcomes were observed of an answer, so only those of an equal answer count as the kept one's;
 * how often it was asked for counts in any case.
 */
function mergeOf(kept: Pattern, gone: Pattern): Pattern {
  const uses = kept.uses + gone.uses;
  if (kept.answer !== gone.answer) return { ...kept, uses };
  return {
    ...kept,
    uses,
    belief: {
      alpha: kept.belief.alpha + gone.outcomes.good,
      beta: kept.belief.beta + gone.outcomes.bad,
    },
    outcomes: {
      good: kept.outcomes.good + gone.outcomes.good,
      bad: kept.outcomes.bad + gone.outcomes.bad,
    },
  };
}
