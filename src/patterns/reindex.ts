import { z } from 'zod';
import type { Database } from '../storage/database.ts';
import { withStorage } from '../storage/failure.ts';
import type { Embedder } from './embedders/embedder.ts';
import { promptHash } from './pattern.ts';
import type { Space } from './store.ts';
import { vectorBytes } from './vector.ts';

export type ReindexEvent =
  | { type: 'embedded'; done: number; of: number }
  /** @property from absent where the store had no vectors yet */
  | { type: 'finished'; from?: Space; to: Space; patterns: number };

const BATCH = 64;

const spaceRow = z.object({
  embedder: z.string(),
  dimension: z.int(),
  next_embedder: z.string().nullable(),
  next_dimension: z.int().nullable(),
});
const missingRows = z.array(z.object({ row: z.int(), prompt: z.string() }));

/**
 * Changes a store over to another embedder: each prompt is embedded anew beside the old vectors,
 * which are searched until all are there; then they change places at once. Stopped in any way, it
 * goes on where it was; what is written meanwhile is taken along.
 * @throws ProviderFailure of the embedder; AppError `storage.*`
 */
export async function* reindex(
  database: Database,
  embedder: Embedder,
  signal: AbortSignal,
): AsyncGenerator<ReindexEvent> {
  const to: Space = { embedder: embedder.id, dimension: await embedder.dimension() };
  const sql = {
    space: database.prepare('SELECT * FROM pattern_space'),
    aim: database.prepare('UPDATE pattern_space SET next_embedder = ?, next_dimension = ?'),
    clear: database.prepare('DELETE FROM pattern_next_vectors'),
    count: database.prepare('SELECT count(*) FROM patterns').pluck(),
    done: database.prepare('SELECT count(*) FROM pattern_next_vectors').pluck(),
    missing: database.prepare(
      `SELECT row, prompt FROM patterns
       WHERE row NOT IN (SELECT row FROM pattern_next_vectors) ORDER BY row LIMIT ${BATCH}`,
    ),
    // An edit while a prompt was being embedded makes its vector worthless.
    put: database.prepare(
      `INSERT OR REPLACE INTO pattern_next_vectors (row, vector)
       SELECT row, ? FROM patterns WHERE row = ? AND prompt_sha256 = ?`,
    ),
    next: database.prepare('SELECT row, vector FROM pattern_next_vectors ORDER BY row').raw(),
    dropVectors: database.prepare('DELETE FROM pattern_vectors'),
    dropBurials: database.prepare('DELETE FROM pattern_burials'),
    insert: database
      .prepare('INSERT INTO pattern_vectors (vector) VALUES (?) RETURNING label')
      .pluck(),
    relabel: database.prepare('UPDATE patterns SET label = ? WHERE row = ?'),
    settle: database.prepare(
      `UPDATE pattern_space SET embedder = ?, dimension = ?, generation = generation + 1,
         next_embedder = NULL, next_dimension = NULL`,
    ),
  };
  const alone = <Result>(work: () => Result): Result =>
    withStorage(() => database.transaction(work).immediate());

  /** @returns the store's own space, where there is something to change over */
  function begin(): Space | undefined {
    return alone(() => {
      const row = sql.space.get();
      if (row === undefined) return undefined;
      const { embedder: own, dimension, ...aim } = spaceRow.parse(row);
      const isSameAim = aim.next_embedder === to.embedder && aim.next_dimension === to.dimension;
      if (!isSameAim) sql.clear.run();
      if (own === to.embedder && dimension === to.dimension) sql.aim.run(null, null);
      else sql.aim.run(to.embedder, to.dimension);
      return { embedder: own, dimension };
    });
  }

  /** @returns whether all were there, so that they have changed places */
  function change(): boolean {
    return alone(() => {
      if (sql.missing.all().length > 0) return false;
      sql.dropVectors.run();
      sql.dropBurials.run();
      for (const next of sql.next.all()) {
        const [row, vector] = z.tuple([z.int(), z.instanceof(Buffer)]).parse(next);
        sql.relabel.run(sql.insert.get(vector), row);
      }
      sql.clear.run();
      sql.settle.run(to.embedder, to.dimension);
      return true;
    });
  }

  const from = begin();
  if (from === undefined) {
    yield { type: 'finished', to, patterns: 0 };
    return;
  }
  if (from.embedder === to.embedder && from.dimension === to.dimension) {
    yield { type: 'finished', from, to, patterns: Number(sql.count.get()) };
    return;
  }
  do {
    let rows = missingRows.parse(sql.missing.all());
    while (rows.length > 0) {
      signal.throwIfAborted();
      const vectors = await embedder.embed(
        rows.map(({ prompt }) => prompt),
        signal,
      );
      alone(() => {
        for (const [index, { row, prompt }] of rows.entries()) {
          const vector = vectors[index];
          if (vector !== undefined) sql.put.run(vectorBytes(vector), row, promptHash(prompt));
        }
      });
      yield { type: 'embedded', done: Number(sql.done.get()), of: Number(sql.count.get()) };
      rows = missingRows.parse(sql.missing.all());
    }
  } while (!change());
  yield { type: 'finished', from, to, patterns: Number(sql.count.get()) };
}
