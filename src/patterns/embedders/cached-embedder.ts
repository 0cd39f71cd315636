import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import type { Database } from '../../storage/database.ts';
import { withStorage } from '../../storage/failure.ts';
import { vectorBytes, vectorOf } from '../vector.ts';
import type { Embedder } from './embedder.ts';

/** Texts whose vectors are kept; the ones not asked for the longest make room. */
const MOST = 20_000;

/** An embedder that asks for no text twice: vectors are kept in the state database. */
export function createCachedEmbedder(
  embedder: Embedder,
  database: Database,
  clock: Clock,
  { most = MOST } = {},
): Embedder {
  const select = database
    .prepare('SELECT vector FROM embedded_texts WHERE embedder = ? AND sha256 = ?')
    .pluck();
  const insert = database.prepare(
    'INSERT OR REPLACE INTO embedded_texts (embedder, sha256, vector, used_at) VALUES (?, ?, ?, ?)',
  );
  const forget = database.prepare(
    `DELETE FROM embedded_texts WHERE (embedder, sha256) IN (
       SELECT embedder, sha256 FROM embedded_texts ORDER BY used_at DESC LIMIT -1 OFFSET ?)`,
  );
  const { id } = embedder;

  function keep(vectors: ReadonlyMap<string, Float32Array>): void {
    const at = clock.now();
    withStorage(() =>
      database
        .transaction(() => {
          for (const [text, vector] of vectors) {
            insert.run(id, hashOf(text), vectorBytes(vector), at);
          }
          forget.run(most);
        })
        .immediate(),
    );
  }

  return {
    ...embedder,
    id,
    async embed(texts, signal) {
      const found = new Map<string, Float32Array>();
      for (const text of texts) {
        const bytes = withStorage(() => select.get(id, hashOf(text)));
        if (Buffer.isBuffer(bytes)) found.set(text, vectorOf(bytes));
      }
      const missing = [...new Set(texts)].filter((text) => !found.has(text));
      if (missing.length > 0) {
        const vectors = await embedder.embed(missing, signal);
        const fresh = new Map(
          missing.map((text, index) => [text, vectors[index] ?? new Float32Array()]),
        );
        keep(fresh);
        for (const [text, vector] of fresh) found.set(text, vector);
      }
      return texts.map((text) => found.get(text) ?? new Float32Array());
    },
  };
}

function hashOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
