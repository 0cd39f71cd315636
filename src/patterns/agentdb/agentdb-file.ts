import SqliteDatabase from 'better-sqlite3';
import { z } from 'zod';
import { AppError, messageOf } from '../../core/errors.ts';
import { vectorBytes, vectorOf } from '../vector.ts';

/** A reasoning pattern of AgentDB: what kind of task, and how it was done. */
const patternRow = z.looseObject({
  id: z.int(),
  ts: z.number().nullish(),
  task_type: z.string(),
  approach: z.string(),
  success_rate: z.number().nullish(),
  uses: z.number().nullish(),
});
/** An episode of AgentDB: a task, what came out, and how good that was. */
const episodeRow = z.looseObject({
  id: z.int(),
  ts: z.number().nullish(),
  task: z.string(),
  input: z.string().nullish(),
  output: z.string().nullish(),
  critique: z.string().nullish(),
  reward: z.number().nullish(),
  success: z.number().nullish(),
});

export type AgentDbRow = { content: string } & (
  | { kind: 'pattern'; row: z.output<typeof patternRow> }
  | { kind: 'episode'; row: z.output<typeof episodeRow> }
);
export type AgentDbKind = AgentDbRow['kind'];
export const AGENTDB_KINDS = ['pattern', 'episode'] as const satisfies readonly AgentDbKind[];

/** A pattern of the store as AgentDB has them. */
export interface MirroredPattern {
  /** By which `written` knows it again. */
  id: string;
  taskType: string;
  prompt: string;
  approach: string;
  successRate: number;
  uses: number;
  vector: Float32Array | undefined;
}

/** A database file that AgentDB has written: its patterns and episodes. */
export interface AgentDbFile {
  count(kind: AgentDbKind): number;
  row(kind: AgentDbKind, id: number): AgentDbRow | undefined;
  /** In the order of their ids. */
  rows(kind: AgentDbKind): IterableIterator<AgentDbRow>;
  /** Vectors of patterns, by their ids; what is no vector is left out. */
  vectors(): { id: number; vector: Float32Array }[];
  /** The row that `insert` made of a pattern. */
  written(pattern: string): AgentDbRow | undefined;
  /** Adds a reasoning pattern as AgentDB does. @returns its row */
  insert(pattern: MirroredPattern): AgentDbRow;
  /** Changes what was done, and how well, in a row. @returns it as it is now */
  edit(kind: AgentDbKind, id: number, answer: string, confidence: number): AgentDbRow | undefined;
  close(): void;
}

const TABLES: Readonly<Record<AgentDbKind, string>> = {
  pattern: 'reasoning_patterns',
  episode: 'episodes',
};
const COLUMNS: Readonly<Record<AgentDbKind, readonly string[]>> = {
  pattern: ['id', 'task_type', 'approach', 'success_rate', 'uses', 'metadata'],
  episode: ['id', 'task', 'input', 'output', 'critique', 'reward', 'success'],
};
const EDITS: Readonly<Record<AgentDbKind, string>> = {
  pattern: 'UPDATE reasoning_patterns SET approach = ?, success_rate = ? WHERE id = ?',
  episode: 'UPDATE episodes SET output = ?, reward = ? WHERE id = ?',
};
const BUSY_MS = 5000;
const SIGNATURE = '{"source":"aqe-llm"';
const writtenRow = z.object({ id: z.string() });
const embeddingRow = z.object({ id: z.int(), embedding: z.instanceof(Buffer) });

/**
 * Opens a file of AgentDB (1.x: `reasoning_patterns`, `episodes`).
 * @throws AppError `agentdb.unusable` with every problem
 */
export function openAgentDb(file: string): AgentDbFile {
  const database = connect(file);
  const tables = new Map(
    AGENTDB_KINDS.flatMap((kind) => {
      const columns = database
        .prepare(`SELECT name FROM pragma_table_info(?)`)
        .pluck()
        .all(TABLES[kind])
        .map(String);
      return columns.length === 0 ? [] : [[kind, columns] as const];
    }),
  );
  const problems = [...tables].flatMap(([kind, columns]) =>
    COLUMNS[kind]
      .filter((column) => !columns.includes(column))
      .map((column) => ({ path: `${TABLES[kind]}.${column}`, message: 'there is no such column' })),
  );
  if (tables.size === 0) {
    problems.push({ path: file, message: 'has neither reasoning_patterns nor episodes' });
  }
  if (problems.length > 0) {
    database.close();
    throw unusable(file, 'is no database of AgentDB', problems);
  }
  const hasVectors =
    database
      .prepare("SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = 'pattern_embeddings'")
      .get() !== undefined;

  function readOne(kind: AgentDbKind, where: string, value: number | string) {
    if (!tables.has(kind)) return undefined;
    const found = database.prepare(`SELECT * FROM ${TABLES[kind]} WHERE ${where}`).get(value);
    return found === undefined ? undefined : readRow(kind, found, file);
  }

  return {
    count: (kind) =>
      tables.has(kind)
        ? Number(database.prepare(`SELECT count(*) FROM ${TABLES[kind]}`).pluck().get())
        : 0,
    row: (kind, id) => readOne(kind, 'id = ?', id),
    *rows(kind) {
      if (!tables.has(kind)) return;
      const PAGE = 500;
      const page = database.prepare(
        `SELECT * FROM ${TABLES[kind]} WHERE id > ? ORDER BY id LIMIT ${PAGE}`,
      );
      for (let last = 0; ;) {
        const rows = page.all(last);
        for (const row of rows) {
          const read = readRow(kind, row, file);
          last = read.row.id;
          yield read;
        }
        if (rows.length < PAGE) return;
      }
    },
    vectors() {
      if (!hasVectors) return [];
      return database
        .prepare('SELECT pattern_id AS id, embedding FROM pattern_embeddings')
        .all()
        .flatMap((row) => {
          const parsed = embeddingRow.safeParse(row);
          if (!parsed.success || parsed.data.embedding.length % 4 !== 0) return [];
          return [{ id: parsed.data.id, vector: vectorOf(parsed.data.embedding) }];
        });
    },
    written: (pattern) => readOne('pattern', 'instr(metadata, ?) = 1', signatureOf(pattern)),
    insert: ({ id: pattern, taskType, prompt, approach, successRate, uses, vector }) =>
      database
        .transaction(() => {
          const metadata = `${signatureOf(pattern)},"prompt":${JSON.stringify(prompt)}}`;
          const { lastInsertRowid: id } = database
            .prepare(
              `INSERT INTO reasoning_patterns (task_type, approach, success_rate, uses, metadata)
               VALUES (?, ?, ?, ?, ?)`,
            )
            .run(taskType, approach, successRate, uses, metadata);
          if (hasVectors && vector !== undefined) {
            database
              .prepare('INSERT INTO pattern_embeddings (pattern_id, embedding) VALUES (?, ?)')
              .run(id, vectorBytes(vector));
          }
          const row = database.prepare('SELECT * FROM reasoning_patterns WHERE id = ?').get(id);
          return readRow('pattern', row, file);
        })
        .immediate(),
    edit(kind, id, answer, confidence) {
      if (tables.has(kind)) database.prepare(EDITS[kind]).run(answer, confidence, id);
      return readOne(kind, 'id = ?', id);
    },
    close: () => void database.close(),
  };
}

/** The pattern of the store that a row was written for. */
export function writtenIn({ row: { metadata } }: AgentDbRow): string | undefined {
  if (typeof metadata !== 'string' || !metadata.startsWith(SIGNATURE)) return undefined;
  try {
    return writtenRow.safeParse(JSON.parse(metadata)).data?.id;
  } catch {
    return undefined;
  }
}

/** How the metadata of its row begins. */
function signatureOf(pattern: string): string {
  return `${SIGNATURE},"id":${JSON.stringify(pattern)}`;
}

function connect(file: string): SqliteDatabase.Database {
  try {
    const database = new SqliteDatabase(file, { fileMustExist: true, timeout: BUSY_MS });
    database.pragma('schema_version');
    return database;
  } catch (error) {
    throw unusable(file, `cannot be opened: ${messageOf(error)}`, []);
  }
}

function readRow(kind: AgentDbKind, value: unknown, file: string): AgentDbRow {
  const content = JSON.stringify(value);
  const place = `${TABLES[kind]} of ${file}`;
  if (kind === 'pattern') {
    const parsed = patternRow.safeParse(value);
    if (parsed.success) return { kind, row: parsed.data, content };
    throw unusable(file, 'has a row that AgentDB does not write', problemsOf(parsed.error, place));
  }
  const parsed = episodeRow.safeParse(value);
  if (parsed.success) return { kind, row: parsed.data, content };
  throw unusable(file, 'has a row that AgentDB does not write', problemsOf(parsed.error, place));
}

function problemsOf(error: z.ZodError, place: string): { path: string; message: string }[] {
  return error.issues.map(({ path, message }) => ({
    path: `${place} ${path.join('.')}`,
    message,
  }));
}

function unusable(
  file: string,
  what: string,
  problems: readonly { path: string; message: string }[],
): AppError {
  return new AppError('agentdb.unusable', `${file} ${what}.`, {
    problems,
    hint: 'Name the database file of AgentDB 1.x, as in .agentic-qe/agentdb.db. Nothing was changed.',
  });
}
