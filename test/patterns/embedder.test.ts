import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createCachedEmbedder } from '../../src/patterns/embedders/cached-embedder.ts';
import type { Embedder } from '../../src/patterns/embedders/embedder.ts';
import { createProviderEmbedder } from '../../src/patterns/embedders/provider-embedder.ts';
import { dot } from '../../src/patterns/index/flat.ts';
import { createEmbeddedProvider } from '../../src/providers/embedded/embedded-provider.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { machineClock } from '../providers/embedded/processes.ts';
import { temporaryFolder } from './open-store.ts';
import { promptStream } from './stream.ts';
import { replayStream } from './replay-stream.ts';
import { createRecallLog } from '../../src/patterns/recalls.ts';
import { createSqliteStore } from '../../src/patterns/sqlite-store.ts';

const MODEL = fileURLToPath(new URL('../../models/all-minilm-l6-v2-q8_0.gguf', import.meta.url));
const reference = z
  .array(z.object({ text: z.string(), tokens: z.array(z.int()), vector: z.array(z.number()) }))
  .parse(
    JSON.parse(readFileSync(new URL('fixtures/minilm-reference.json', import.meta.url), 'utf8')),
  );

let embedder: Embedder;
beforeAll(() => {
  embedder = createProviderEmbedder(
    createEmbeddedProvider({
      modelId: 'all-minilm-l6-v2',
      modelPath: MODEL,
      gpu: 'off',
      environment: process.env,
      clock: machineClock,
    }),
  );
});
afterAll(() => embedder.close());

describe('the embedder that comes along', () => {
  test("gives the original model's vectors, but for what 8 bits leave out", async () => {
    const short = reference.filter(({ tokens }) => tokens.length < 250);
    const vectors = await embedder.embed(short.map(({ text }) => text));
    expect(await embedder.dimension()).toBe(384);
    expect(embedder.id).toBe('embedded:all-minilm-l6-v2');
    for (const [index, { text, vector }] of short.entries()) {
      const own = vectors[index] ?? new Float32Array();
      expect(dot(own, Float32Array.from(vector)), text).toBeGreaterThan(0.999);
    }
  });

  test('embeds a text that is longer than its context by its parts', async () => {
    const long = reference.find(({ tokens }) => tokens.length >= 250);
    const [vector = new Float32Array()] = await embedder.embed([long?.text ?? '']);
    expect(dot(vector, vector)).toBeCloseTo(1, 4);
    // Not the same as the original's, which cuts it off, but near.
    expect(dot(vector, Float32Array.from(long?.vector ?? []))).toBeGreaterThan(0.8);
  });

  test('is asked for no text twice', async () => {
    const database = openDatabase(temporaryFolder());
    const asked: string[] = [];
    const counting: Embedder = {
      ...embedder,
      id: embedder.id,
      embed: (texts, signal) => {
        asked.push(...texts);
        return embedder.embed(texts, signal);
      },
    };
    const cached = createCachedEmbedder(counting, database, machineClock, { most: 2 });
    const [first] = await cached.embed(['a', 'b', 'a']);
    const [again] = await cached.embed(['a']);
    expect(asked).toEqual(['a', 'b']);
    expect(again).toEqual(first);
    database.close();
  });

  test(
    'on a labelled stream the cache answers from memory, and at most δ of that is wrong',
    { timeout: 120_000 },
    async () => {
      const delta = 0.02;
      const folder = temporaryFolder();
      const database = openDatabase(folder);
      const troubles: string[] = [];
      const store = createSqliteStore({ database, folder, onTrouble: (it) => troubles.push(it) });
      const log = createRecallLog(database);
      const cached = createCachedEmbedder(embedder, database, machineClock);
      const stream = promptStream(1500, 11);
      const { rates } = await replayStream({ stream, store, log, embedder: cached, delta });
      await store.close();
      expect(troubles).toEqual([]);
      expect(rates.lookups).toBe(1500);
      expect(rates.labelled).toBe(rates.hits);
      // More than who only knows the very same prompt again.
      const distinct = new Set(stream.map(({ prompt }) => prompt)).size;
      expect(rates.hits).toBeGreaterThan(stream.length - distinct);
      expect(rates.wrongHitRate).toBeLessThanOrEqual(delta);
    },
  );
});
