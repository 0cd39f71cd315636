import { describe, expect, it } from 'vitest';
import { consolidate } from '../../src/patterns/consolidate.ts';
import type { PatternStore } from '../../src/patterns/store.ts';
import { openStore, temporaryFolder } from './open-store.ts';
import { patternAt, SPACE } from './samples.ts';

const alike = [
  patternAt(1, { prompt: 'Write 3 tests for mergeIntervals.', verified: 'review', answer: 'a' }),
  patternAt(1, { id: 'p2', prompt: 'Please write 3 tests for mergeIntervals.', answer: 'a' }),
];

/** The store, and somebody else who writes to it while it is compared. */
function meanwhile(work: (other: PatternStore) => void): PatternStore {
  const folder = temporaryFolder();
  const { store } = openStore(folder);
  const { store: other } = openStore(folder);
  store.add(alike, SPACE);
  let isDone = false;
  return {
    ...store,
    vectorOf(id) {
      if (!isDone) work(other);
      isDone = true;
      return store.vectorOf(id);
    },
  };
}

describe('consolidate, while others write', () => {
  it('keeps what was observed meanwhile', () => {
    const store = meanwhile((other) => {
      for (const id of ['p1', 'p2']) {
        other.update(id, (old) => ({ ...old, uses: 5, outcomes: { good: 4, bad: 1 } }));
      }
    });
    expect(consolidate(store, { apply: true }).merges).toMatchObject([{ kept: 'p1', gone: 'p2' }]);
    expect(store.find('p1')).toMatchObject({ uses: 10, outcomes: { good: 8, bad: 2 } });
    expect(store.count()).toBe(1);
  });

  it('keeps an answer that was edited meanwhile', () => {
    const store = meanwhile((other) => {
      other.update('p1', (old) => ({ ...old, answer: 'mended' }));
    });
    consolidate(store, { apply: true });
    expect(store.find('p1')?.answer).toBe('mended');
  });

  it.each<[string, (other: PatternStore) => void]>([
    [
      'asks something else now',
      (other) => other.update('p2', (old) => ({ ...old, prompt: 'Write 5 tests.' })),
    ],
    [
      'is kept from use now',
      (other) => other.update('p2', (old) => ({ ...old, quarantine: 'no' })),
    ],
    ['is gone', (other) => other.remove('p2')],
  ])('leaves alone what %s', (_what, work) => {
    const store = meanwhile(work);
    const left = store.count();
    expect(consolidate(store, { apply: true }).merges).toEqual([]);
    expect(store.find('p1')).toMatchObject({ uses: 0 });
    expect(left - store.count()).toBeLessThanOrEqual(1);
  });
});
