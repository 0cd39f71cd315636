import type { Clock } from '../core/clock.ts';
import type { RandomIndex } from '../core/random.ts';
import type { TaskCategory } from '../core/task.ts';
import { askProbability, priorOf } from './bound.ts';
import type { Embedder } from './embedders/embedder.ts';
import { differenceOf } from './guards.ts';
import type { Prior } from './logistic.ts';
import type { Pattern, Scope } from './pattern.ts';
import type { RecallLog, RecallRecord } from './recalls.ts';
import { refuseOtherEmbedder, type PatternMatch, type PatternStore } from './store.ts';

/** A request that may have been answered before. */
export interface Lookup {
  prompt: string;
  category: TaskCategory;
  scope: Scope;
  /** Without one it is only asked what would be said: nothing is recorded. */
  requestId?: string | undefined;
  signal?: AbortSignal | undefined;
}

/** What memory says to a request. */
export interface Recalled {
  /** The number under which its outcome is told to the log; absent where nothing was recorded. */
  number?: number;
  /** An answer that may be given as it is; absent in shadow too. */
  reuse?: Pattern;
  /** What the guards let through, reused or not: its answer is worth comparing with the model's. */
  candidate?: PatternMatch;
  /** Whether the candidate has this very prompt. */
  isExact: boolean;
  /** Near enough to stand in the prompt, never to be the answer. */
  context: readonly PatternMatch[];
}

export interface PatternCache {
  readonly mode: 'shadow' | 'on';
  /** @throws ProviderFailure of the embedder; AppError `patterns.other-embedder`, `storage.*` */
  recall(lookup: Lookup): Promise<Recalled>;
}

export interface CacheOptions {
  store: PatternStore;
  log: RecallLog;
  embedder: Embedder;
  clock: Clock;
  random: RandomIndex;
  mode: 'shadow' | 'on';
  /** Share of wrong answers that is tolerated. */
  delta: number;
}

/** A pattern that could answer, and how often the model is to be asked all the same. */
interface Candidate extends PatternMatch {
  ask: number;
  observations: number;
}

const NEAREST = 16;
const LEAST_OBSERVATIONS = 6;
/** Look-ups after which what all entries teach is read again. */
const PRIOR_KEPT = 50;
/** Less alike, and it is neither an answer nor worth a place in the prompt. */
const LEAST_CONTEXT = 0.7;
const MOST_CONTEXT = 3;
const RESOLUTION = 2 ** 30;

/**
 * Answers from memory where that is safe: the same prompt; else one near it in which nothing differs
 * that matters (guards.ts), as often as what is known of its earlier look-ups allows
 * (bound.ts). An entry of its own must have six observations; what all entries teach makes them
 * enough. Only what execution or a reviewer has verified, in scope, not expired and not
 * quarantined is ever given.
 */
export function createPatternCache(options: CacheOptions): PatternCache {
  const { store, log, embedder, clock, random, mode, delta } = options;

  function finish(
    record: Omit<RecallRecord, 'at' | 'mode'>,
    { reuse, ...rest }: Omit<Recalled, 'number' | 'isExact'>,
  ): Recalled {
    const given = reuse === undefined || mode === 'shadow' ? {} : { reuse };
    const found = { ...rest, ...given, isExact: record.kind === 'exact' };
    if (record.requestId === undefined) return found;
    return { number: log.record({ at: clock.now(), mode, ...record }), ...found };
  }

  let prior: Prior | undefined;
  let lookups = 0;

  /** Of those that could answer, the one of which most is known: to ask about it is worth most. */
  function bestKnown(candidates: readonly PatternMatch[]): Candidate | undefined {
    const bound = { delta, leastObservations: LEAST_OBSERVATIONS };
    prior = lookups % PRIOR_KEPT === 0 ? priorOf(log.observations()) : prior;
    lookups += 1;
    const known = candidates.map(({ pattern, similarity }): Candidate => {
      const observations = log.observationsOf(pattern.id);
      const ask = askProbability(observations, similarity, bound, prior);
      return { pattern, similarity, ask, observations: observations.length };
    });
    const [best] = known.toSorted(
      (a, b) => a.ask - b.ask || b.observations - a.observations || b.similarity - a.similarity,
    );
    return best;
  }

  return {
    mode,
    async recall({ prompt, category, scope, requestId, signal }) {
      const usable = { usableAt: clock.now(), scope, verified: true };
      const [same] = store.byPrompt(prompt, usable);
      if (same !== undefined) {
        const candidate = { pattern: same, similarity: 1 };
        const record = { requestId, kind: 'exact', pattern: same.id, similarity: 1 } as const;
        return finish(record, { reuse: same, candidate, context: [] });
      }
      const [vector] = await embedder.embed([prompt], signal);
      const space = store.space();
      if (space !== undefined && vector !== undefined) {
        refuseOtherEmbedder(space, { embedder: embedder.id, dimension: vector.length });
      }
      const near =
        vector === undefined ? [] : await store.search(vector, NEAREST, { ...usable, category });
      const context = near.filter(({ similarity }) => similarity >= LEAST_CONTEXT);
      const shown = context.slice(0, MOST_CONTEXT);
      const [nearest] = context;
      if (nearest === undefined) return finish({ requestId, kind: 'nothing' }, { context: [] });
      const candidate = bestKnown(
        context.filter(({ pattern }) => differenceOf(pattern.prompt, prompt) === undefined),
      );
      if (candidate === undefined) {
        const { pattern, similarity } = nearest;
        const difference = differenceOf(pattern.prompt, prompt);
        return finish(
          { requestId, kind: 'guarded', pattern: pattern.id, similarity, difference },
          { context: shown },
        );
      }
      const { pattern, similarity, ask } = candidate;
      const isHit = random(RESOLUTION) >= ask * RESOLUTION;
      const record = { requestId, pattern: pattern.id, similarity };
      return isHit
        ? finish({ ...record, kind: 'near' }, { reuse: pattern, candidate, context: [] })
        : finish({ ...record, kind: 'ask' }, { candidate, context: shown });
    },
  };
}
