import { createHash } from 'node:crypto';
import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import type { TaskCategory } from '../core/task.ts';
import type { Embedder } from './embedders/embedder.ts';
import type { Judge } from './judge.ts';
import { createJudgements } from './judgements.ts';
import { learn, type Learned } from './learn.ts';
import { beliefFrom, confidenceOf, nameOf, scopeKey, type Pattern, type Scope } from './pattern.ts';
import type { RecallLog, RecallRates } from './recalls.ts';
import { refuseOtherEmbedder, type PatternStore } from './store.ts';

/** A prompt, or a vector and whose it is. */
export type Wanted = { query: string } | { embedding: readonly number[]; embedder: string };

export interface SearchCall {
  wanted: Wanted;
  k: number;
  category?: TaskCategory | undefined;
  scope: Scope;
  minConfidence?: number | undefined;
  /** Also what nobody has verified. */
  unverified: boolean;
  private: boolean;
}

export interface SearchResult {
  id: string;
  prompt: string;
  /** The answer. */
  content: string;
  /** The lower of similarity and the pattern's own confidence: a client that compares it with a threshold errs on the safe side. */
  confidence: number;
  similarity: number;
  pattern: Pattern;
}

export interface StoreCall {
  prompt: string;
  answer: string;
  category?: TaskCategory | undefined;
  scope: Scope;
  confidence?: number | undefined;
  agent?: string | undefined;
  target?: string | undefined;
  expiresAt?: number | undefined;
  /** Has the answer judged by running it, when there is time. */
  learn: boolean;
  private: boolean;
}

export interface ServiceMetrics {
  patterns: number;
  verified: number;
  quarantined: number;
  embedder?: string;
  dimension?: number;
  recalls: RecallRates;
}

/** What others ask of the store, over the network. */
export interface PatternService {
  /** @throws AppError `patterns.*`; ProviderFailure of the embedder */
  search(call: SearchCall, signal: AbortSignal): Promise<SearchResult[]>;
  /** @returns whether it was new; the same prompt and answer are one pattern */
  store(call: StoreCall, signal: AbortSignal): Promise<{ id: string; stored: boolean }>;
  metrics(): ServiceMetrics;
  /** @throws AppError `patterns.learning` while it runs already */
  learn(signal: AbortSignal): Promise<Learned>;
  close(): Promise<void>;
}

export interface ServiceOptions {
  store: PatternStore;
  embedder: Embedder;
  /** Whether the embedder's server may see private prompts. */
  maySeePrivate: boolean;
  log: RecallLog;
  judge: Judge;
  clock: Clock;
  categoryOf: (prompt: string) => TaskCategory;
  onTrouble: (error: unknown) => void;
}

const UNSURE = 0.5;

export function createPatternService(options: ServiceOptions): PatternService {
  const { store, embedder, maySeePrivate, log, judge, clock, categoryOf } = options;
  const judgements = createJudgements(options);
  let isLearning = false;

  async function vectorFor(wanted: Wanted, signal: AbortSignal): Promise<ArrayLike<number>> {
    const space = store.space();
    if ('embedding' in wanted) {
      const { embedding, embedder: id } = wanted;
      if (space !== undefined) {
        refuseOtherEmbedder(space, { embedder: id, dimension: embedding.length });
      }
      return embedding;
    }
    const [vector] = await embedder.embed([wanted.query], signal);
    if (vector === undefined) return [];
    if (space !== undefined) {
      refuseOtherEmbedder(space, { embedder: embedder.id, dimension: vector.length });
    }
    return vector;
  }

  return {
    async search(call, signal) {
      const { wanted, k, category, scope, minConfidence, unverified } = call;
      if (call.private && 'query' in wanted && !maySeePrivate) {
        throw refused(`The embedder ${embedder.id} may not see what is private.`);
      }
      const vector = await vectorFor(wanted, signal);
      const matches = await store.search(vector, k, {
        usableAt: clock.now(),
        scope,
        ...(category === undefined ? {} : { category }),
        ...(minConfidence === undefined ? {} : { minConfidence }),
        ...(unverified ? {} : { verified: true }),
      });
      return matches.map(({ pattern, similarity }) => ({
        id: pattern.id,
        prompt: pattern.prompt,
        content: pattern.answer,
        confidence: Math.min(similarity, confidenceOf(pattern.belief)),
        similarity,
        pattern,
      }));
    },

    async store(call, signal) {
      const { prompt, answer, scope, confidence = UNSURE, agent, target, expiresAt } = call;
      if (call.private) throw refused('What is private is not remembered: others are shown it.');
      const [vector] = await embedder.embed([prompt], signal);
      const now = clock.now();
      const pattern: Pattern = {
        id: createHash('sha256')
          .update(JSON.stringify([prompt, answer, scopeKey(scope)]))
          .digest('hex')
          .slice(0, 20),
        name: nameOf(prompt),
        prompt,
        answer,
        category: call.category ?? categoryOf(prompt),
        scope,
        belief: beliefFrom(confidence, 0, 'no'),
        uses: 0,
        outcomes: { good: 0, bad: 0 },
        verified: 'no',
        provenance: {
          source: 'api',
          ...(agent === undefined ? {} : { agent }),
          ...(target === undefined ? {} : { target }),
        },
        createdAt: now,
        updatedAt: now,
        ...(expiresAt === undefined ? {} : { expiresAt }),
      };
      const space = { embedder: embedder.id, dimension: vector?.length ?? 0 };
      const { added } = store.add([{ pattern, vector: vector ?? [] }], space);
      if (call.learn && added === 1) judgements.ofPattern(pattern);
      return { id: pattern.id, stored: added === 1 };
    },

    metrics() {
      const { embedder: id, dimension } = store.space() ?? {};
      return {
        patterns: store.count(),
        verified: store.count({ verified: true }),
        quarantined: store.count({ quarantined: true }),
        ...(id === undefined ? {} : { embedder: id }),
        ...(dimension === undefined ? {} : { dimension }),
        recalls: log.rates(0),
      };
    },

    async learn(signal) {
      if (isLearning) {
        throw new AppError('patterns.learning', 'Consolidation runs already.', {
          hint: 'Ask again when it is over.',
        });
      }
      isLearning = true;
      try {
        for await (const event of learn({ store, log, judge, clock, apply: true, signal })) {
          if (event.type === 'finished') return event.learned;
        }
        throw new Error('Learning had no end.');
      } finally {
        isLearning = false;
      }
    },

    close: () => judgements.close(),
  };
}

function refused(why: string): AppError {
  return new AppError('patterns.private', why, { hint: 'Nothing was sent or stored.' });
}
