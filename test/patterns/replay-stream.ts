import { seededIndex } from '../../src/core/random.ts';
import { createPatternCache } from '../../src/patterns/cache.ts';
import type { Embedder } from '../../src/patterns/embedders/embedder.ts';
import type { RecallLog, RecallRates } from '../../src/patterns/recalls.ts';
import type { PatternStore } from '../../src/patterns/store.ts';
import { patternAt } from './samples.ts';
import type { StreamPrompt } from './stream.ts';

export interface Replayed {
  rates: RecallRates;
  /** Milliseconds of each look-up, the embedding included. */
  ms: number[];
}

export interface ReplayOptions {
  stream: readonly StreamPrompt[];
  store: PatternStore;
  log: RecallLog;
  embedder: Embedder;
  delta: number;
}

/**
 * Sends a stream through the cache as a fleet would: what is not reused is answered and stored as
 * verified, and each candidate's answer is labelled by whether it means the same.
 */
export async function replayStream(options: ReplayOptions): Promise<Replayed> {
  const { stream, store, log, embedder, delta } = options;
  const clock = {
    now: () => 1000,
    monotonic: () => performance.now(),
    sleep: () => Promise.resolve(),
  };
  const random = seededIndex(20_261_124);
  const cache = createPatternCache({ store, log, embedder, clock, random, mode: 'on', delta });
  const space = { embedder: embedder.id, dimension: await embedder.dimension() };
  const ms: number[] = [];
  for (const [number, { prompt, meaning, category }] of stream.entries()) {
    const started = performance.now();
    const recalled = await cache.recall({ prompt, category, scope: {}, requestId: `r${number}` });
    ms.push(performance.now() - started);
    const { candidate, reuse, number: lookup } = recalled;
    if (candidate !== undefined && lookup !== undefined) {
      log.label(lookup, candidate.pattern.answer === meaning);
    }
    if (reuse !== undefined) continue;
    const [vector = new Float32Array()] = await embedder.embed([prompt]);
    const { pattern } = patternAt(number, {
      prompt,
      answer: meaning,
      category,
      verified: 'execution',
    });
    store.add([{ pattern, vector }], space);
  }
  return { rates: log.rates(0), ms };
}
