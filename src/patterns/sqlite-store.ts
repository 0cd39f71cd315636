import { z } from 'zod';
import type { Statement } from 'better-sqlite3';
import type { Database } from '../storage/database.ts';
import { withStorage } from '../storage/failure.ts';
import { dot, type Found } from './index/flat.ts';
import { openVectorIndex, type VectorIndex } from './index/vector-index.ts';
import { promptHash } from './pattern.ts';
import {
  COLUMNS,
  conditionOf,
  STORED,
  storedPattern,
  valuesOf,
  type StoredPattern,
} from './rows.ts';
import {
  refuseOtherEmbedder,
  type NewPattern,
  type PatternFilter,
  type PatternMatch,
  type PatternStore,
  type Space,
} from './store.ts';
import { createFollower } from './follow.ts';
import { unitVector, vectorBytes, vectorOf } from './vector.ts';

export interface SqliteStoreOptions {
  /** Closed with the store. */
  database: Database;
  /** Folder of the search index's file. */
  folder: string;
  /** What goes wrong without anything being lost. */
  onTrouble: (message: string) => void;
}

const spaceSchema = z.object({
  embedder: z.string(),
  dimension: z.int(),
  generation: z.int(),
});

const vectorRow = z.tuple([z.int(), z.instanceof(Buffer)]);

/** How many near ones are looked at for each that is wanted, before a filter; then all are. */
const OVERFETCH = [4, 40];

/** Patterns in the state database, and a search index beside it that can be made anew at any time. */
export function createSqliteStore(options: SqliteStoreOptions): PatternStore {
  const { database, folder, onTrouble } = options;
  const sql = {
    space: database.prepare('SELECT embedder, dimension, generation FROM pattern_space'),
    claim: database.prepare(
      'INSERT INTO pattern_space (one, embedder, dimension, generation) VALUES (1, ?, ?, 1)',
    ),
    insert: database.prepare(
      `INSERT INTO patterns (${COLUMNS.join(', ')}, label)
       VALUES (${COLUMNS.map(() => '?').join(', ')}, ?)`,
    ),
    write: database.prepare(
      `UPDATE patterns SET ${COLUMNS.map((column) => `${column} = ?`).join(', ')}, label = ? WHERE row = ?`,
    ),
    knows: database.prepare('SELECT 1 FROM patterns WHERE id = ?').pluck(),
    insertVector: database
      .prepare('INSERT INTO pattern_vectors (vector) VALUES (?) RETURNING label')
      .pluck(),
    dropVector: database.prepare('DELETE FROM pattern_vectors WHERE label = ?'),
    dropNextVector: database.prepare('DELETE FROM pattern_next_vectors WHERE row = ?'),
    bury: database.prepare('INSERT INTO pattern_burials (label) VALUES (?)'),
    byId: database.prepare(`SELECT ${STORED} FROM patterns WHERE id = ?`).raw(),
    byPrefix: database
      .prepare(`SELECT ${STORED} FROM patterns WHERE id >= ? AND id < ? ORDER BY id LIMIT 2`)
      .raw(),
    vector: database
      .prepare('SELECT vector FROM pattern_vectors JOIN patterns USING (label) WHERE id = ?')
      .pluck(),
    remove: database.prepare('DELETE FROM patterns WHERE row = ?'),
  };
  const statements = new Map<string, Statement>();
  let following: Promise<ReturnType<typeof createFollower>> | undefined;
  let generation = 0;

  function readSpace(): z.output<typeof spaceSchema> | undefined {
    const row = sql.space.get();
    return row === undefined ? undefined : spaceSchema.parse(row);
  }

  /** The index, with all that is written in it. Made anew when the store has begun anew. */
  async function freshIndex(): Promise<VectorIndex | undefined> {
    const space = readSpace();
    if (space === undefined) return undefined;
    if (following === undefined || generation !== space.generation) {
      const before = following;
      generation = space.generation;
      following = openVectorIndex({
        folder,
        generation,
        dimension: space.dimension,
        onUnusable: (why) => onTrouble(`The search index is made anew: ${why}.`),
      }).then((index) => createFollower(database, index, onTrouble));
      if (before !== undefined) (await before).stop();
    }
    const follower = await following;
    follower.catchUp();
    return follower.index;
  }

  function claim(space: Space): void {
    const own = readSpace();
    if (own === undefined) sql.claim.run(space.embedder, space.dimension);
    else refuseOtherEmbedder(own, space);
  }

  function buryVector({ row, label }: StoredPattern): void {
    sql.dropVector.run(label);
    sql.dropNextVector.run(row);
    sql.bury.run(label);
  }

  function rowOf(id: string): StoredPattern | undefined {
    const exact = sql.byId.get(id);
    if (exact !== undefined) return storedPattern(exact);
    if (id === '') return undefined;
    const [only, other] = sql.byPrefix.all(id, `${id}\u{10FFFF}`);
    return only === undefined || other !== undefined ? undefined : storedPattern(only);
  }

  /** Of the few filters that a process uses. */
  function prepared(text: string): Statement {
    const known = statements.get(text);
    if (known !== undefined) return known;
    const statement = database.prepare(text).raw();
    statements.set(text, statement);
    return statement;
  }

  /**
   * Reads as many at once as are wanted: a statement for each takes twice as long.
   * @param found the nearest first
   */
  function matchesOf(found: readonly Found[], k: number, filter: PatternFilter): PatternMatch[] {
    const condition = conditionOf(filter);
    const select = prepared(
      `SELECT ${STORED} FROM patterns
       WHERE label IN (SELECT value FROM json_each(?)) AND ${condition.sql}`,
    );
    const matches: PatternMatch[] = [];
    for (let from = 0; from < found.length && matches.length < k; from += k) {
      const some = found.slice(from, from + k);
      const labels = JSON.stringify(some.map(({ label }) => label));
      const rows = select.all(labels, ...condition.values).map(storedPattern);
      const byLabel = new Map(rows.map(({ label, pattern }) => [label, pattern]));
      for (const { label, similarity } of some) {
        const pattern = byLabel.get(label);
        if (pattern !== undefined && matches.length < k) matches.push({ pattern, similarity });
      }
    }
    return matches;
  }

  /** Compares all that the filter lets through one by one: for filters that let few through. */
  function scan(query: Float32Array, k: number, filter: PatternFilter): PatternMatch[] {
    const condition = conditionOf(filter);
    const rows = database
      .prepare(
        `SELECT label, vector FROM pattern_vectors JOIN patterns USING (label) WHERE ${condition.sql}`,
      )
      .raw()
      .iterate(...condition.values);
    const found: Found[] = [];
    for (const row of rows) {
      const [label, bytes] = vectorRow.parse(row);
      found.push({ label, similarity: dot(query, vectorOf(bytes)) });
    }
    found.sort((a, b) => b.similarity - a.similarity);
    return matchesOf(found.slice(0, k), k, filter);
  }

  const together: PatternStore['together'] = (work) =>
    withStorage(() => database.transaction(work).immediate());

  return {
    space() {
      const space = withStorage(readSpace);
      return space === undefined
        ? undefined
        : { embedder: space.embedder, dimension: space.dimension };
    },
    count(filter = {}) {
      const { sql: where, values } = conditionOf(filter);
      return withStorage(() =>
        Number(
          database
            .prepare(`SELECT count(*) FROM patterns WHERE ${where}`)
            .pluck()
            .get(...values),
        ),
      );
    },
    add(patterns, space) {
      const ready = patterns.map(({ pattern, vector }: NewPattern) => ({
        pattern,
        vector: unitVector(vector, space.dimension),
      }));
      return together(() => {
        claim(space);
        let added = 0;
        for (const { pattern, vector } of ready) {
          if (sql.knows.get(pattern.id) !== undefined) continue;
          sql.insert.run(...valuesOf(pattern), sql.insertVector.get(vectorBytes(vector)));
          added += 1;
        }
        return { added, known: ready.length - added };
      });
    },
    find: (id) => withStorage(() => rowOf(id)?.pattern),
    byPrompt(prompt, filter = {}) {
      const { sql: where, values } = conditionOf(filter);
      return withStorage(() =>
        database
          .prepare(
            `SELECT ${STORED} FROM patterns WHERE prompt_sha256 = ? AND ${where} ORDER BY alpha / (alpha + beta) DESC, row`,
          )
          .raw()
          .all(promptHash(prompt), ...values)
          .map((row) => storedPattern(row).pattern),
      );
    },
    async search(vector, k, filter = {}) {
      const index = await freshIndex();
      if (index === undefined || k < 1) return [];
      const query = unitVector(vector, index.dimension);
      const isFiltered = Object.keys(filter).length > 0;
      return withStorage(() => {
        for (const times of isFiltered ? OVERFETCH : [1]) {
          const matches = matchesOf(index.nearest(query, k * times), k, filter);
          if (matches.length === k || index.size <= k * times || !isFiltered) return matches;
        }
        return scan(query, k, filter);
      });
    },
    vectorOf(id) {
      const bytes = withStorage(() => sql.vector.get(id));
      return Buffer.isBuffer(bytes) ? vectorOf(bytes) : undefined;
    },
    list(filter = {}, { order = 'newest', limit = -1, offset = 0 } = {}) {
      const { sql: where, values } = conditionOf(filter);
      const by = order === 'newest' ? 'row DESC' : 'alpha / (alpha + beta), row';
      return withStorage(() =>
        database
          .prepare(`SELECT ${STORED} FROM patterns WHERE ${where} ORDER BY ${by} LIMIT ? OFFSET ?`)
          .raw()
          .all(...values, limit, offset)
          .map((row) => storedPattern(row).pattern),
      );
    },
    *each(filter = {}) {
      const { sql: where, values } = conditionOf(filter);
      const PAGE = 500;
      const page = database
        .prepare(
          `SELECT ${STORED} FROM patterns WHERE row > ? AND ${where} ORDER BY row LIMIT ${PAGE}`,
        )
        .raw();
      let last = 0;
      while (true) {
        const rows = withStorage(() => page.all(last, ...values)).map(storedPattern);
        for (const { row, pattern } of rows) {
          last = row;
          yield pattern;
        }
        if (rows.length < PAGE) return;
      }
    },
    update(id, edit, vector) {
      const unit =
        vector === undefined ? undefined : unitVector(vector, readSpace()?.dimension ?? 0);
      return together(() => {
        const stored = rowOf(id);
        if (stored === undefined) return undefined;
        const edited = { ...edit(stored.pattern), id: stored.pattern.id };
        let { label } = stored;
        if (unit !== undefined) {
          buryVector(stored);
          label = Number(sql.insertVector.get(vectorBytes(unit)));
        }
        sql.write.run(...valuesOf(edited), label, stored.row);
        return edited;
      });
    },
    remove: (id) =>
      together(() => {
        const stored = rowOf(id);
        if (stored === undefined) return false;
        buryVector(stored);
        sql.remove.run(stored.row);
        return true;
      }),
    together,
    async settle(onProgress) {
      const index = await freshIndex();
      if (index === undefined) return;
      await index.settle(onProgress);
      await index.save({ always: true });
    },
    async close() {
      const follower = await following;
      follower?.stop();
      await follower?.index.save().catch((error: unknown) => onTrouble(String(error)));
      database.close();
    },
  };
}
