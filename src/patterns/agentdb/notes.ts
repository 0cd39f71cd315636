import { z } from 'zod';
import type { Database } from '../../storage/database.ts';
import { withStorage } from '../../storage/failure.ts';
import type { AgentDbKind, AgentDbRow } from './agentdb-file.ts';

const PHASES = ['copying', 'dual', 'switched'] as const;
/** Rows come over; both are written; ours leads and AgentDB only follows. */
export type Phase = (typeof PHASES)[number];

export interface MigrationState {
  file: string;
  phase: Phase;
  startedAt: number;
  /** Rows that came over. */
  copied: number;
}

/** How far a migration is, and which row of the file is which pattern. */
export interface MigrationNotes {
  state(): MigrationState | undefined;
  begin(file: string, now: number): void;
  enter(phase: Phase, now: number): void;
  /** Forgets it all: another file's rows have the same numbers. */
  end(): void;
  /** What became of a row. */
  of(kind: AgentDbKind, source: number): { pattern: string; content: string } | undefined;
  /** The row of a pattern. */
  rowOf(pattern: string): { kind: AgentDbKind; source: number } | undefined;
  add(row: AgentDbRow, pattern: string): void;
  renew(row: AgentDbRow): void;
  forget(kind: AgentDbKind, source: number): void;
  count(kind: AgentDbKind): number;
  /** Rows that we wrote. */
  own(): { source: number; pattern: string }[];
  /** Patterns that were learned since and have no row, in their order. */
  missing(): string[];
}

const stateRow = z.object({ file: z.string(), phase: z.enum(PHASES), started_at: z.int() });
const noteRow = z.object({ pattern: z.string(), content: z.string() }).optional();
const placeRow = z.object({ kind: z.enum(['pattern', 'episode']), source: z.int() }).optional();
const ownRows = z.array(z.object({ source: z.int(), pattern: z.string() }));

export function createNotes(database: Database): MigrationNotes {
  const sql = {
    state: database.prepare('SELECT file, phase, started_at FROM agentdb_migration'),
    begin: database.prepare(
      `INSERT INTO agentdb_migration (one, file, phase, since_row, started_at, updated_at)
       SELECT 1, ?, 'copying', coalesce(max(row), 0), ?, ? FROM patterns`,
    ),
    enter: database.prepare('UPDATE agentdb_migration SET phase = ?, updated_at = ?'),
    end: database.prepare('DELETE FROM agentdb_migration'),
    forgetAll: database.prepare('DELETE FROM agentdb_rows'),
    of: database.prepare('SELECT pattern, content FROM agentdb_rows WHERE kind = ? AND source = ?'),
    rowOf: database.prepare('SELECT kind, source FROM agentdb_rows WHERE pattern = ?'),
    add: database.prepare(
      'INSERT INTO agentdb_rows (kind, source, pattern, content) VALUES (?, ?, ?, ?)',
    ),
    renew: database.prepare('UPDATE agentdb_rows SET content = ? WHERE kind = ? AND source = ?'),
    forget: database.prepare('DELETE FROM agentdb_rows WHERE kind = ? AND source = ?'),
    count: database.prepare('SELECT count(*) FROM agentdb_rows WHERE kind = ?').pluck(),
    own: database.prepare(
      `SELECT source, pattern FROM agentdb_rows JOIN patterns ON id = pattern
       WHERE kind = 'pattern' AND provenance ->> '$.source' <> 'agentdb'`,
    ),
    missing: database
      .prepare(
        `SELECT id FROM patterns
         WHERE row > (SELECT since_row FROM agentdb_migration)
           AND id NOT IN (SELECT pattern FROM agentdb_rows)
         ORDER BY row`,
      )
      .pluck(),
  };
  const count = (kind: AgentDbKind): number => Number(withStorage(() => sql.count.get(kind)));

  return {
    state() {
      const row = withStorage(() => sql.state.get());
      if (row === undefined) return undefined;
      const { file, phase, started_at: startedAt } = stateRow.parse(row);
      return { file, phase, startedAt, copied: count('pattern') + count('episode') };
    },
    begin: (file, now) => void withStorage(() => sql.begin.run(file, now, now)),
    enter: (phase, now) => void withStorage(() => sql.enter.run(phase, now)),
    end: () =>
      withStorage(() =>
        database
          .transaction(() => {
            sql.end.run();
            sql.forgetAll.run();
          })
          .immediate(),
      ),
    of: (kind, source) => noteRow.parse(withStorage(() => sql.of.get(kind, source))),
    rowOf: (pattern) => placeRow.parse(withStorage(() => sql.rowOf.get(pattern))),
    add: ({ kind, row, content }, pattern) =>
      void withStorage(() => sql.add.run(kind, row.id, pattern, content)),
    renew: ({ kind, row, content }) => void withStorage(() => sql.renew.run(content, kind, row.id)),
    forget: (kind, source) => void withStorage(() => sql.forget.run(kind, source)),
    count,
    own: () => ownRows.parse(withStorage(() => sql.own.all())),
    missing: () => withStorage(() => sql.missing.all()).map(String),
  };
}
