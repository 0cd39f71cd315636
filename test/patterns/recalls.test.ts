import { expect, it } from 'vitest';
import { createRecallLog } from '../../src/patterns/recalls.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { openStore, temporaryFolder } from './open-store.ts';
import { patternAt, SPACE } from './samples.ts';

it('counts look-ups of a pattern that is gone, and teaches another answer nothing', () => {
  const folder = temporaryFolder();
  const { store } = openStore(folder);
  const database = openDatabase(folder);
  const log = createRecallLog(database);
  store.add([patternAt(1), patternAt(2)], SPACE);
  for (const [pattern, correct] of [
    ['p1', true],
    ['p1', false],
    ['p2', true],
  ] as const) {
    const recall = { at: 1, requestId: 'r', mode: 'on', kind: 'near', similarity: 0.9 } as const;
    log.label(log.record({ ...recall, pattern }), correct);
  }
  store.update('p2', (pattern) => ({ ...pattern, uses: 7 }));
  expect(log.observationsOf('p2')).toHaveLength(1);
  store.update('p2', (pattern) => ({ ...pattern, answer: 'another' }));
  expect(log.observationsOf('p2')).toEqual([]);
  store.remove('p1');
  expect(log.observations()).toHaveLength(3);
  expect(log.rates(0)).toMatchObject({ lookups: 3, hits: 3, labelled: 3, wrong: 1 });
  database.close();
});
