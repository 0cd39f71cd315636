import { expect, test } from 'vitest';
import type { Embedder } from '../../src/patterns/embedders/embedder.ts';
import { reindex, type ReindexEvent } from '../../src/patterns/reindex.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { openStore, temporaryFolder } from './open-store.ts';
import { patterns, SPACE } from './samples.ts';

const DIMENSION = 8;

/** Eight numbers of a text's letters; counts what it is asked for. */
function letterEmbedder(): Embedder & { asked: number } {
  return {
    id: 'test:letters',
    asked: 0,
    dimension: async () => DIMENSION,
    async embed(texts) {
      this.asked += texts.length;
      return texts.map((text) => {
        const vector = new Float32Array(DIMENSION).fill(0.01);
        for (const letter of text) {
          const at = (letter.codePointAt(0) ?? 0) % DIMENSION;
          vector[at] = (vector[at] ?? 0) + 1;
        }
        const length = Math.hypot(...vector);
        return vector.map((value) => value / length);
      });
    },
    close: async () => {},
  };
}

async function run(
  folder: string,
  embedder: Embedder,
  onEvent: (event: ReindexEvent) => void = () => {},
  signal = new AbortController().signal,
): Promise<ReindexEvent | undefined> {
  const database = openDatabase(folder);
  let last: ReindexEvent | undefined;
  try {
    for await (const event of reindex(database, embedder, signal)) {
      onEvent(event);
      last = event;
    }
  } finally {
    database.close();
  }
  return last;
}

test('changes a store over, in a process that has it open too', async () => {
  const folder = temporaryFolder();
  const { store } = openStore(folder);
  store.add(patterns(0, 1500), SPACE);
  await store.settle();
  const embedder = letterEmbedder();
  expect(await run(folder, embedder)).toEqual({
    type: 'finished',
    from: SPACE,
    to: { embedder: 'test:letters', dimension: DIMENSION },
    patterns: 1500,
  });
  expect(store.count()).toBe(1500);
  const prompt = store.find('p77')?.prompt ?? '';
  const [vector = new Float32Array()] = await embedder.embed([prompt]);
  const [found] = await store.search(vector, 1);
  expect(found?.similarity).toBeCloseTo(1, 4);
  expect(() => store.add(patterns(2000, 2001), SPACE)).toThrow('not of test:small');
});

test('goes on where it was stopped, and searches the old vectors until then', async () => {
  const folder = temporaryFolder();
  const { store } = openStore(folder);
  store.add(patterns(0, 300), SPACE);
  const stop = new AbortController();
  const embedder = letterEmbedder();
  const first = run(
    folder,
    embedder,
    (event) => {
      if (event.type === 'embedded' && event.done >= 128) stop.abort(new Error('stopped'));
    },
    stop.signal,
  );
  await expect(first).rejects.toThrow('stopped');
  expect(store.space()).toEqual(SPACE);
  expect(await store.search(store.vectorOf('p5') ?? [], 1)).toMatchObject([
    { pattern: { id: 'p5' } },
  ]);
  // Written and edited in between: taken along, and made anew.
  store.add(patterns(300, 310), SPACE);
  store.update('p0', (pattern) => ({ ...pattern, prompt: 'other' }), store.vectorOf('p1'));
  store.remove('p2');
  const before = embedder.asked;
  expect(await run(folder, embedder)).toMatchObject({ type: 'finished', patterns: 309 });
  expect(embedder.asked - before).toBe(309 - 128 + 2);
  expect(store.space()).toMatchObject({ embedder: 'test:letters' });
});

test("has nothing to do where the vectors are that embedder's already", async () => {
  const folder = temporaryFolder();
  const { store } = openStore(folder);
  store.add(patterns(0, 100), SPACE);
  const embedder = letterEmbedder();
  await run(folder, embedder);
  const { asked } = embedder;
  expect(await run(folder, embedder)).toMatchObject({ type: 'finished', patterns: 100 });
  expect(embedder.asked).toBe(asked);
});

test('has nothing to do in an empty store', async () => {
  const folder = temporaryFolder();
  expect(await run(folder, letterEmbedder())).toMatchObject({ type: 'finished', patterns: 0 });
});
