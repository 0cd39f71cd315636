import { describe, expect, it } from 'vitest';
import { seededIndex } from '../../src/core/random.ts';
import { recalibrate } from '../../src/patterns/calibrate.ts';
import { beliefFrom, confidenceOf, type Pattern } from '../../src/patterns/pattern.ts';
import type { PatternStore } from '../../src/patterns/store.ts';
import { openStore, temporaryFolder } from './open-store.ts';
import { patternAt, SPACE } from './samples.ts';

/** Patterns that claim a confidence and turn out as `truth` says, ten times each. */
function storeOf(count: number, truth: (claimed: number) => number): PatternStore {
  const { store } = openStore(temporaryFolder());
  const random = seededIndex(7);
  const patterns = Array.from({ length: count }, (_, number) => {
    const claimed = 0.5 + (number % 10) / 20;
    const good = Array.from({ length: 10 }).filter(
      () => random(1_000_000) < truth(claimed) * 1_000_000,
    ).length;
    const { alpha, beta } = beliefFrom(claimed, 0, 'execution');
    const change: Partial<Pattern> = {
      verified: 'execution',
      outcomes: { good, bad: 10 - good },
      belief: { alpha: alpha + good, beta: beta + 10 - good },
    };
    return patternAt(number, change);
  });
  // One of which nothing was observed: the mapping is for its like.
  const fresh = { verified: 'execution', belief: beliefFrom(0.9, 0, 'execution') } as const;
  store.add([...patterns, patternAt(count, fresh)], SPACE);
  return store;
}

describe('recalibrate', () => {
  it('brings confidences that promised too much in line, and is done then', () => {
    const store = storeOf(200, (claimed) => claimed - 0.3);
    const dry = recalibrate(store, { apply: false });
    expect(confidenceOf(store.find('p200')?.belief ?? { alpha: 1, beta: 1 })).toBeCloseTo(0.9);
    const { outcomes, before, after, changes } = recalibrate(store, { apply: true });
    expect(changes).toEqual(dry.changes);
    expect(outcomes).toBe(2000);
    expect(before.ece).toBeGreaterThan(0.25);
    expect(after?.ece).toBeLessThan(0.06);
    expect(after?.brier).toBeLessThan(before.brier);
    const fresh = store.find('p200');
    expect(confidenceOf(fresh?.belief ?? { alpha: 0, beta: 1 })).toBeGreaterThan(0.5);
    expect(confidenceOf(fresh?.belief ?? { alpha: 1, beta: 0 })).toBeLessThan(0.7);
    expect(fresh?.outcomes).toEqual({ good: 0, bad: 0 });
    expect(recalibrate(store, { apply: true }).changes).toEqual([]);
  });

  it('leaves confidences alone that kept their word', () => {
    const store = storeOf(200, (claimed) => claimed);
    expect(recalibrate(store, { apply: true }).changes).toEqual([]);
  });

  it('learns nothing from a handful of outcomes', () => {
    const store = storeOf(4, () => 0);
    const { outcomes, before, after, changes } = recalibrate(store, { apply: true });
    expect({ outcomes, after, changes }).toEqual({ outcomes: 40, after: undefined, changes: [] });
    expect(before.brier).toBeGreaterThan(0.3);
  });

  it('knows nothing of an empty store', () => {
    const { store } = openStore(temporaryFolder());
    expect(recalibrate(store, { apply: true })).toMatchObject({ outcomes: 0, changes: [] });
  });
});
