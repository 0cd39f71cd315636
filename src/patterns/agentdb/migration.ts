import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { quantile } from '../../core/statistics.ts';
import type { TaskCategory } from '../../core/task.ts';
import type { Database } from '../../storage/database.ts';
import { withStorage } from '../../storage/failure.ts';
import type { Embedder } from '../embedders/embedder.ts';
import { dot } from '../index/flat.ts';
import { confidenceOf, type Pattern } from '../pattern.ts';
import type { PatternStore } from '../store.ts';
import { unitVector } from '../vector.ts';
import {
  openAgentDb,
  type AgentDbFile,
  type AgentDbKind,
  type AgentDbRow,
} from './agentdb-file.ts';
import { patternFrom } from './rows-to-patterns.ts';

export const PHASES = ['copying', 'dual', 'switched'] as const;
/** Rows come over; both are written; ours leads and AgentDB only follows. */
export type Phase = (typeof PHASES)[number];

export interface MigrationState {
  file: string;
  phase: Phase;
  startedAt: number;
  /** Rows that came over. */
  copied: number;
}

/** How far AgentDB's file and the store hold the same. */
export interface Comparison {
  /** In the file. */
  rows: Record<AgentDbKind, number>;
  copied: Record<AgentDbKind, number>;
  /** Rows in which there is nothing to remember, as `episodes:12`. */
  leftOut: string[];
  /** Over the content of all rows that can be remembered, as the file has it and as it was taken over. */
  sha256: { file: string; store: string };
  /** Patterns whose answer is no more that of their row: edited, merged or removed since. */
  changed: number;
  /** Patterns learned since that are not in the file. */
  unmirrored: number;
  /** Nothing is missing and nothing differs. */
  isEqual: boolean;
  /** Of the file's own vectors; absent where they are none of the store's size. */
  search?: {
    queries: number;
    /** Share of the file's ten nearest that are among the store's ten nearest. */
    overlap: number;
    /** Median milliseconds of a search. */
    ms: { agentdb: number; store: number };
  };
}

export interface AgentDbMigration {
  state(): MigrationState | undefined;
  /**
   * Takes over what is not here yet, in the file's order, a batch at a time; may be broken off and
   * gone on with. Afterwards both are written.
   * @throws AppError `agentdb.unusable`, `agentdb.other-file`, `agentdb.switched`
   */
  copy(file: string, signal: AbortSignal): AsyncGenerator<{ done: number; of: number }>;
  /** @throws AppError `agentdb.not-started`, `agentdb.unusable` */
  compare(): Promise<Comparison>;
  /** From now on the store leads: what is new in the file does not come over any more. */
  switchOver(): void;
  /** AgentDB is not written any more. */
  finish(): void;
  /** The store, which writes what it learns to AgentDB's file too while a migration is under way. */
  mirrored(store: PatternStore): PatternStore;
}

export interface MigrationOptions {
  database: Database;
  store: PatternStore;
  embedder: Embedder;
  clock: Clock;
  categoryOf: (prompt: string) => TaskCategory;
  onTrouble: (message: string) => void;
}

const BATCH = 64;
const QUERIES = 50;
const NEAREST = 10;
const KINDS = ['pattern', 'episode'] as const;
const ownMetadata = z.object({ source: z.literal('aqe-llm'), id: z.string() });
const stateRow = z.object({
  file: z.string(),
  phase: z.enum(PHASES),
  started_at: z.int(),
});

export function createAgentDbMigration(options: MigrationOptions): AgentDbMigration {
  const { database, store, embedder, clock, categoryOf, onTrouble } = options;
  const select = database.prepare('SELECT file, phase, started_at FROM agentdb_migration');
  const begin = database.prepare(
    `INSERT INTO agentdb_migration (one, file, phase, since_row, started_at, updated_at)
     SELECT 1, ?, 'copying', coalesce(max(row), 0), ?, ? FROM patterns`,
  );
  const setPhase = database.prepare('UPDATE agentdb_migration SET phase = ?, updated_at = ?');
  const end = database.prepare('DELETE FROM agentdb_migration');
  const note = database.prepare(
    'INSERT INTO agentdb_rows (kind, source, pattern, content) VALUES (?, ?, ?, ?)',
  );
  const renew = database.prepare(
    'UPDATE agentdb_rows SET content = ? WHERE kind = ? AND source = ?',
  );
  const counted = database.prepare('SELECT count(*) FROM agentdb_rows WHERE kind = ?').pluck();
  const taken = database
    .prepare('SELECT content FROM agentdb_rows WHERE kind = ? AND source = ?')
    .pluck();
  const patternOfRow = database
    .prepare('SELECT pattern FROM agentdb_rows WHERE kind = ? AND source = ?')
    .pluck();
  const unmirrored = database
    .prepare(
      `SELECT id FROM patterns
       WHERE row > (SELECT since_row FROM agentdb_migration)
         AND id NOT IN (SELECT pattern FROM agentdb_rows)
       ORDER BY row`,
    )
    .pluck();

  const isTaken = ({ kind, row, content }: AgentDbRow): boolean =>
    taken.get(kind, row.id) === content;
  const copiedOf = (kind: AgentDbKind): number => Number(counted.get(kind));

  function patternOf(kind: AgentDbKind, source: number): Pattern | undefined {
    const id = patternOfRow.get(kind, source);
    return typeof id === 'string' ? store.find(id) : undefined;
  }

  function state(): MigrationState | undefined {
    const row = withStorage(() => select.get());
    if (row === undefined) return undefined;
    const { file, phase, started_at: startedAt } = stateRow.parse(row);
    return { file, phase, startedAt, copied: copiedOf('pattern') + copiedOf('episode') };
  }

  function started(): MigrationState {
    const now = state();
    if (now !== undefined) return now;
    throw new AppError('agentdb.not-started', 'No migration is under way.', {
      hint: 'Begin one with: aqe-llm curate migrate start <AgentDB file>',
    });
  }

  function withFile<Result>(file: string, work: (agentDb: AgentDbFile) => Result): Result {
    const agentDb = openAgentDb(file);
    try {
      return work(agentDb);
    } finally {
      agentDb.close();
    }
  }

  /** Adds a batch and notes which row is which, both or neither. What has changed since is renewed. */
  async function take(batch: readonly AgentDbRow[], signal: AbortSignal): Promise<void> {
    const patterns = batch.flatMap((source) => {
      const pattern = patternFrom(source, categoryOf, clock.now());
      return pattern === undefined ? [] : [{ source, pattern }];
    });
    const vectors = await embedder.embed(
      patterns.map(({ pattern }) => pattern.prompt),
      signal,
    );
    const space = { embedder: embedder.id, dimension: await embedder.dimension() };
    store.together(() => {
      for (const [index, { source, pattern }] of patterns.entries()) {
        const { kind, row, content } = source;
        const before = patternOf(kind, row.id);
        if (taken.get(kind, row.id) !== undefined) {
          renew.run(content, kind, row.id);
          if (before !== undefined) store.update(before.id, (it) => renewed(it, pattern));
          continue;
        }
        const own = ownPattern(source);
        const vector = vectors[index];
        if (own === undefined && vector !== undefined) store.add([{ pattern, vector }], space);
        note.run(kind, row.id, own ?? pattern.id, content);
      }
    });
  }

  /** The pattern that we wrote to the file ourselves, where the note of it was lost. */
  function ownPattern({ row }: AgentDbRow): string | undefined {
    const { metadata } = row;
    if (typeof metadata !== 'string' || !metadata.includes('"aqe-llm"')) return undefined;
    const parsed = ownMetadata.safeParse(jsonOf(metadata));
    return parsed.success ? store.find(parsed.data.id)?.id : undefined;
  }

  /** Writes patterns of the store to the file, and notes their rows. */
  function mirror(agentDb: AgentDbFile, patterns: readonly Pattern[]): void {
    const [some] = agentDb.vectors();
    for (const { id, category, answer, belief, uses, prompt } of patterns) {
      const own = store.vectorOf(id);
      const { kind, row, content } = agentDb.insert({
        taskType: category,
        approach: answer,
        successRate: confidenceOf(belief),
        uses,
        metadata: { source: 'aqe-llm', id, prompt },
        vector: some === undefined || some.vector.length === own?.length ? own : undefined,
      });
      withStorage(() => note.run(kind, row.id, id, content));
    }
  }

  function unmirroredPatterns(): Pattern[] {
    return withStorage(() => unmirrored.all()).flatMap((id) => {
      const pattern = store.find(String(id));
      return pattern === undefined ? [] : [pattern];
    });
  }

  async function searchOf(agentDb: AgentDbFile): Promise<Comparison['search']> {
    const dimension = store.space()?.dimension;
    const own = agentDb.vectors().filter(({ vector }) => vector.length === dimension);
    if (own.length === 0 || dimension === undefined) return undefined;
    const step = Math.max(1, Math.floor(own.length / QUERIES));
    const queries = own.filter((_vector, index) => index % step === 0).slice(0, QUERIES);
    const ms: Record<'agentdb' | 'store', number[]> = { agentdb: [], store: [] };
    let shared = 0;
    let all = 0;
    for (const { vector } of queries) {
      const query = unitVector(vector, dimension);
      let from = clock.monotonic();
      // As AgentDB's own search does: it reads every vector for each query.
      const theirs = agentDb
        .vectors()
        .filter((it) => it.vector.length === dimension)
        .map((it) => ({ id: it.id, similarity: dot(query, it.vector) / Math.hypot(...it.vector) }))
        .toSorted((a, b) => b.similarity - a.similarity)
        .slice(0, NEAREST)
        .map(({ id }) => patternOfRow.get('pattern', id));
      ms.agentdb.push(clock.monotonic() - from);
      from = clock.monotonic();
      const ours = await store.search(query, NEAREST);
      ms.store.push(clock.monotonic() - from);
      const ids = new Set<unknown>(ours.map(({ pattern }) => pattern.id));
      shared += theirs.filter((id) => ids.has(id)).length;
      all += theirs.length;
    }
    return {
      queries: queries.length,
      overlap: shared / all,
      ms: { agentdb: medianOf(ms.agentdb), store: medianOf(ms.store) },
    };
  }

  return {
    state,
    async *copy(file, signal) {
      const now = state();
      if (now !== undefined && now.file !== file) {
        throw new AppError('agentdb.other-file', `A migration from ${now.file} is under way.`, {
          hint: 'Finish that one first: aqe-llm curate migrate finish',
        });
      }
      if (now?.phase === 'switched') {
        throw new AppError(
          'agentdb.switched',
          'The store leads already; nothing more comes over.',
          {
            hint: 'End the migration with: aqe-llm curate migrate finish',
          },
        );
      }
      const agentDb = openAgentDb(file);
      try {
        if (now === undefined) withStorage(() => begin.run(file, clock.now(), clock.now()));
        const of = KINDS.reduce((sum, kind) => sum + agentDb.count(kind), 0);
        let done = 0;
        for (const kind of KINDS) {
          let batch: AgentDbRow[] = [];
          for (const source of agentDb.rows(kind, 0)) {
            done += 1;
            if (!isTaken(source)) batch.push(source);
            if (batch.length < BATCH) continue;
            signal.throwIfAborted();
            await take(batch, signal);
            batch = [];
            yield { done, of };
          }
          signal.throwIfAborted();
          if (batch.length > 0) await take(batch, signal);
          yield { done, of };
        }
        withStorage(() => setPhase.run('dual', clock.now()));
        mirror(agentDb, unmirroredPatterns());
      } finally {
        agentDb.close();
      }
    },

    async compare() {
      const { file } = started();
      const agentDb = openAgentDb(file);
      try {
        const hashes = { file: createHash('sha256'), store: createHash('sha256') };
        const rows = { pattern: agentDb.count('pattern'), episode: agentDb.count('episode') };
        const leftOut: string[] = [];
        let changed = 0;
        let isEqual = true;
        for (const kind of KINDS) {
          for (const source of agentDb.rows(kind, 0)) {
            const { id } = source.row;
            const wanted = patternFrom(source, categoryOf, 0);
            if (wanted === undefined) {
              leftOut.push(`${kind === 'pattern' ? 'reasoning_patterns' : 'episodes'}:${id}`);
              continue;
            }
            const content = taken.get(kind, id);
            hashes.file.update(`${source.content}\n`);
            hashes.store.update(`${typeof content === 'string' ? content : ''}\n`);
            isEqual &&= content === source.content;
            const ours = patternOf(kind, id);
            if (ours?.answer !== wanted.answer) changed += 1;
          }
        }
        const missing = unmirroredPatterns().length;
        const search = await searchOf(agentDb);
        return {
          rows,
          copied: { pattern: copiedOf('pattern'), episode: copiedOf('episode') },
          leftOut,
          sha256: { file: hashes.file.digest('hex'), store: hashes.store.digest('hex') },
          changed,
          unmirrored: missing,
          isEqual: isEqual && missing === 0,
          ...(search === undefined ? {} : { search }),
        };
      } finally {
        agentDb.close();
      }
    },

    switchOver() {
      const { phase } = started();
      if (phase === 'copying') {
        throw new AppError('agentdb.copying', 'Not all rows have come over yet.', {
          hint: 'Go on with: aqe-llm curate migrate start',
        });
      }
      withStorage(() => setPhase.run('switched', clock.now()));
    },

    finish() {
      const { phase } = started();
      if (phase !== 'switched') {
        throw new AppError('agentdb.not-switched', 'The store does not lead yet.', {
          hint: 'Compare and switch first: aqe-llm curate migrate switch',
        });
      }
      withStorage(() => end.run());
    },

    mirrored: (own) => ({
      ...own,
      add(patterns, space) {
        const added = own.add(patterns, space);
        const now = state();
        if (now === undefined || now.phase === 'copying') return added;
        try {
          withFile(now.file, (agentDb) => mirror(agentDb, unmirroredPatterns()));
        } catch (error) {
          // The store has it, and the next comparison says what the file lacks.
          onTrouble(`AgentDB's file was not written: ${String(error)}`);
        }
        return added;
      },
    }),
  };
}

/** A pattern whose row has changed; what people and execution have said of it since stays. */
function renewed(now: Pattern, row: Pattern): Pattern {
  if (now.provenance.source !== 'agentdb') return now;
  const { good, bad } = now.outcomes;
  const isUntouched = now.verified === 'no' && now.quarantine === undefined && good + bad === 0;
  if (!isUntouched) return { ...now, uses: Math.max(now.uses, row.uses) };
  return { ...row, id: now.id, createdAt: now.createdAt };
}

function medianOf(values: readonly number[]): number {
  return quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
