import { expect, test } from 'vitest';
import { nothingExpected, problemsOf, write } from './killed-writers.ts';
import { temporaryFolder } from './open-store.ts';

test(
  'nothing that was acknowledged is lost when writers are killed',
  { timeout: 60_000 },
  async () => {
    const folder = temporaryFolder();
    const expected = nothingExpected();
    for (const [round, killAfterMs] of [5, 60, 150, 400].entries()) {
      const writer = { name: `w${round}`, seed: round, most: 100_000, killAfterMs };
      await write(folder, [writer], expected);
      expect(await problemsOf(folder, expected)).toEqual([]);
    }
    expect(expected.acknowledged).toBeGreaterThan(0);
  },
);

test('two write and read on while a third is killed', { timeout: 60_000 }, async () => {
  const folder = temporaryFolder();
  const expected = nothingExpected();
  await write(
    folder,
    [
      { name: 'a', seed: 11, most: 60 },
      { name: 'b', seed: 12, most: 60 },
      { name: 'c', seed: 13, most: 100_000, killAfterMs: 300 },
    ],
    expected,
  );
  expect(await problemsOf(folder, expected)).toEqual([]);
});
