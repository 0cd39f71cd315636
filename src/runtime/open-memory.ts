import type { LoadedConfig } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import type { RandomIndex } from '../core/random.ts';
import { createPatternCache } from '../patterns/cache.ts';
import type { Judge } from '../patterns/judge.ts';
import { createMemory, type Memory } from '../routing/memory.ts';
import type { Patterns } from './open-patterns.ts';

export interface MemoryDeps {
  config: LoadedConfig;
  clock: Clock;
  random: RandomIndex;
  openPatterns: (onTrouble: (message: string) => void) => Promise<Patterns>;
  /** In the place of `openPatterns`; not closed here. */
  sharedPatterns?: (() => Promise<Patterns>) | undefined;
  judge: Judge;
  onTrouble: (error: unknown) => void;
}

const DAY_MS = 86_400_000;

/** The memory of a router. The store and its embedder are opened with the first request. */
export function openMemory(deps: MemoryDeps): Memory {
  const { config, clock, random, judge, onTrouble } = deps;
  const { cache: mode, augment, delta, ttlDays } = config.patterns;
  let opened: Promise<{ patterns: Patterns; memory: Memory }> | undefined;
  let memory: Memory | undefined;

  async function open(): Promise<{ patterns: Patterns; memory: Memory }> {
    const patterns = await (deps.sharedPatterns ?? (() => deps.openPatterns(onTrouble)))();
    const { store, embedder, log } = patterns;
    const cache = createPatternCache({
      store,
      log,
      embedder,
      clock,
      random,
      mode: mode === 'on' ? 'on' : 'shadow',
      delta,
    });
    memory = createMemory({
      store,
      log,
      embedder,
      cache,
      judge,
      clock,
      augment,
      ttlMs: ttlDays * DAY_MS,
      maySeePrivate: patterns.maySeePrivate,
      allPrivate: config.routing.strategy === 'privacy-first',
      onTrouble,
    });
    return { patterns, memory };
  }

  return {
    async recall(asked) {
      opened ??= open().catch((error: unknown) => {
        // The next request tries again.
        opened = undefined;
        throw error;
      });
      return (await opened).memory.recall(asked);
    },
    learn: (walked) => memory?.learn(walked),
    async close() {
      const all = await opened;
      await all?.memory.close();
      if (deps.sharedPatterns === undefined) await all?.patterns.close();
    },
  };
}
