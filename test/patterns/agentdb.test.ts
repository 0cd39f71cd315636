import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import SqliteDatabase from 'better-sqlite3';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createAgentDbMigration,
  type AgentDbMigration,
} from '../../src/patterns/agentdb/migration.ts';
import type { Embedder } from '../../src/patterns/embedders/embedder.ts';
import { createSqliteStore } from '../../src/patterns/sqlite-store.ts';
import type { PatternStore } from '../../src/patterns/store.ts';
import { vectorBytes } from '../../src/patterns/vector.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { temporaryFolder } from './open-store.ts';
import { patternAt, SPACE, vectorAt } from './samples.ts';

/** The tables of AgentDB 1.6 as its own schema has them; test/verify/agentdb.ts uses its real code. */
const SCHEMA = `
CREATE TABLE reasoning_patterns (
  id INTEGER PRIMARY KEY AUTOINCREMENT, ts INTEGER DEFAULT (strftime('%s', 'now')),
  task_type TEXT NOT NULL, approach TEXT NOT NULL, success_rate REAL NOT NULL DEFAULT 0.0,
  uses INTEGER DEFAULT 0, avg_reward REAL DEFAULT 0.0, tags TEXT, metadata TEXT
);
CREATE TABLE pattern_embeddings (pattern_id INTEGER PRIMARY KEY, embedding BLOB NOT NULL);
CREATE TABLE episodes (
  id INTEGER PRIMARY KEY AUTOINCREMENT, ts INTEGER NOT NULL DEFAULT (strftime('%s', 'now')),
  session_id TEXT NOT NULL, task TEXT NOT NULL, input TEXT, output TEXT, critique TEXT,
  reward REAL DEFAULT 0.0, success BOOLEAN DEFAULT 0, latency_ms INTEGER, tokens_used INTEGER,
  tags TEXT, metadata JSON
);`;

const hash = (text: string): number =>
  Array.from(text).reduce((sum, char) => (sum * 31 + (char.codePointAt(0) ?? 0)) % 100_003, 7);

/** Equal texts are near each other; broken off after so many calls where that is asked for. */
function embedderOf(calls = Infinity): Embedder {
  let left = calls;
  return {
    id: SPACE.embedder,
    dimension: async () => SPACE.dimension,
    embed: async (texts) => {
      left -= 1;
      if (left < 0) throw new Error('broken off');
      return texts.map((text) => vectorAt(hash(text)));
    },
    close: async () => {},
  };
}

interface Migrating {
  migration: AgentDbMigration;
  store: PatternStore;
  troubles: string[];
}

function open(folder: string, embedder = embedderOf()): Migrating {
  const troubles: string[] = [];
  const onTrouble = (message: string): void => void troubles.push(message);
  const database = openDatabase(path.join(folder, 'state'));
  const bare = createSqliteStore({ database, folder: path.join(folder, 'state'), onTrouble });
  const clock = {
    now: () => 5000,
    monotonic: () => performance.now(),
    sleep: () => Promise.resolve(),
  };
  const migration = createAgentDbMigration({
    database,
    store: bare,
    embedder,
    clock,
    categoryOf: () => 'other',
    onTrouble,
  });
  onTestFinished(() => (database.open ? bare.close() : undefined));
  return { migration, store: migration.mirrored, troubles };
}

function agentDb(folder: string, patterns: number, episodes: number): SqliteDatabase.Database {
  const database = new SqliteDatabase(path.join(folder, 'agentdb.db'));
  onTestFinished(() => void database.close());
  database.pragma('synchronous = OFF');
  database.exec(SCHEMA);
  for (let number = 1; number <= patterns; number++) addPattern(database, number);
  for (let number = 1; number <= episodes; number++) {
    database
      .prepare(
        'INSERT INTO episodes (session_id, task, output, reward, success) VALUES (?,?,?,?,?)',
      )
      .run('s', `task ${number}`, `output ${number}`, 0.9, number % 2);
  }
  return database;
}

function addPattern(database: SqliteDatabase.Database, number: number): void {
  const approach = `approach ${number}`;
  const { lastInsertRowid } = database
    .prepare(
      `INSERT INTO reasoning_patterns (task_type, approach, success_rate, uses, tags)
       VALUES (?, ?, ?, ?, ?)`,
    )
    .run('code-review', approach, 0.8, number, '["a"]');
  database
    .prepare('INSERT INTO pattern_embeddings VALUES (?, ?)')
    .run(lastInsertRowid, vectorBytes(vectorAt(hash(`code-review: ${approach}`))));
}

async function copy({ migration }: Migrating, folder: string): Promise<void> {
  const { signal } = new AbortController();
  const events = migration.copy(path.join(folder, 'agentdb.db'), signal);
  for await (const _event of events);
}

describe('moving over from AgentDB', () => {
  it('takes over every row, and finds the same', async () => {
    const folder = temporaryFolder();
    agentDb(folder, 150, 70);
    const all = open(folder);
    await copy(all, folder);
    const { migration, store } = all;
    expect(migration.state()).toMatchObject({ phase: 'dual', copied: 220 });
    expect(store.count()).toBe(220);
    const [first] = store.byPrompt('code-review: approach 7');
    expect(first).toMatchObject({
      answer: 'approach 7',
      category: 'code-review',
      uses: 7,
      verified: 'no',
      provenance: { source: 'agentdb', origin: 'reasoning_patterns:7' },
    });
    const comparison = await migration.compare();
    expect(comparison).toMatchObject({
      rows: { pattern: 150, episode: 70 },
      copied: { pattern: 150, episode: 70 },
      leftOut: [],
      changed: 0,
      unmirrored: 0,
      isEqual: true,
      search: { queries: 50 },
    });
    expect(comparison.sha256.file).toBe(comparison.sha256.store);
    expect(comparison.search?.overlap).toBeGreaterThan(0.6);
  });

  it('goes on where it was broken off, and takes nothing twice', async () => {
    const folder = temporaryFolder();
    agentDb(folder, 300, 0);
    await expect(copy(open(folder, embedderOf(2)), folder)).rejects.toThrow('broken off');
    const again = open(folder);
    expect(again.migration.state()).toMatchObject({ phase: 'copying', copied: 128 });
    expect(() => again.migration.switchOver()).toThrow('Not all rows');
    await copy(again, folder);
    await copy(again, folder);
    expect(again.store.count()).toBe(300);
    expect((await again.migration.compare()).isEqual).toBe(true);
  });

  it('writes to both until it is finished', async () => {
    const folder = temporaryFolder();
    const theirs = agentDb(folder, 3, 0);
    const all = open(folder);
    const { migration, store } = all;
    store.add([patternAt(1)], SPACE);
    await copy(all, folder);
    const approaches = (): unknown[] =>
      theirs.prepare('SELECT approach FROM reasoning_patterns ORDER BY id').pluck().all();
    expect(approaches()).toHaveLength(3);

    store.add([patternAt(2)], SPACE);
    expect(approaches()[3]).toBe(patternAt(2).pattern.answer);
    expect(theirs.prepare('SELECT count(*) FROM pattern_embeddings').pluck().get()).toBe(4);
    addPattern(theirs, 99);
    theirs.prepare('UPDATE reasoning_patterns SET uses = 50 WHERE id = 1').run();
    expect((await migration.compare()).isEqual).toBe(false);
    await copy(all, folder);
    expect((await migration.compare()).isEqual).toBe(true);
    expect(store.count()).toBe(6);
    expect(store.byPrompt('code-review: approach 1')[0]?.uses).toBe(50);

    migration.switchOver();
    await expect(copy(all, folder)).rejects.toMatchObject({ code: 'agentdb.switched' });
    store.add([patternAt(3)], SPACE);
    expect(approaches()).toHaveLength(6);
    migration.finish();
    store.add([patternAt(4)], SPACE);
    expect(approaches()).toHaveLength(6);
    expect(migration.state()).toBeUndefined();
  });

  it('writes edits and rejections to the file too, and none that was taken back', async () => {
    const folder = temporaryFolder();
    const theirs = agentDb(folder, 2, 1);
    const all = open(folder);
    await copy(all, folder);
    const { migration, store } = all;
    const first = store.byPrompt('code-review: approach 1')[0]?.id ?? '';
    store.update(first, (old) => ({
      ...old,
      answer: 'mended',
      verified: 'review',
      belief: { alpha: 9, beta: 1 },
    }));
    const row = theirs.prepare('SELECT approach, success_rate FROM reasoning_patterns WHERE id=?');
    expect(row.get(1)).toEqual({ approach: 'mended', success_rate: 0.9 });
    const task = store.byPrompt('task 1')[0]?.id ?? '';
    store.update(task, (old) => ({ ...old, quarantine: 'no', belief: { alpha: 1, beta: 9 } }));
    expect(theirs.prepare('SELECT reward FROM episodes').pluck().get()).toBe(0.1);

    const second = store.byPrompt('code-review: approach 2')[0]?.id ?? '';
    expect(() =>
      store.together(() => {
        store.update(second, (old) => ({ ...old, answer: 'never' }));
        throw new Error('taken back');
      }),
    ).toThrow('taken back');
    expect(row.get(2)).toMatchObject({ approach: 'approach 2' });
    expect(await migration.compare()).toMatchObject({ isEqual: true, changed: 0 });
    await copy(all, folder);
    expect(store.find(first)).toMatchObject({ answer: 'mended', verified: 'review' });
    expect(all.troubles).toEqual([]);
  });

  it('makes good what AgentDB overwrote, and loses no row that took its number', async () => {
    const folder = temporaryFolder();
    const theirs = agentDb(folder, 2, 0);
    const all = open(folder);
    await copy(all, folder);
    all.store.add([patternAt(1), patternAt(2)], SPACE);
    // It saves what it has in memory, in which the numbers of our rows are its own.
    theirs.exec(`DELETE FROM reasoning_patterns WHERE id > 2; DELETE FROM pattern_embeddings WHERE pattern_id > 2;
      UPDATE sqlite_sequence SET seq = 2`);
    addPattern(theirs, 77);
    expect(await all.migration.compare()).toMatchObject({ unmirrored: 2, isEqual: false });
    await copy(all, folder);
    expect(all.store.byPrompt('code-review: approach 77')).toHaveLength(1);
    expect(all.store.count()).toBe(5);
    expect(theirs.prepare('SELECT count(*) FROM reasoning_patterns').pluck().get()).toBe(5);
    expect(await all.migration.compare()).toMatchObject({ unmirrored: 0, isEqual: true });
    await copy(all, folder);
    expect(all.store.count()).toBe(5);
  });

  it('knows what it wrote itself, where the note of it was lost', async () => {
    const folder = temporaryFolder();
    const theirs = agentDb(folder, 1, 0);
    const all = open(folder);
    await copy(all, folder);
    all.store.add([patternAt(2)], SPACE);
    // As if the process had died between the file and the note.
    const state = openDatabase(path.join(folder, 'state'));
    state.prepare("DELETE FROM agentdb_rows WHERE pattern = 'p2'").run();
    state.close();
    all.store.add([patternAt(3)], SPACE);
    await copy(all, folder);
    expect(all.store.count()).toBe(3);
    expect(theirs.prepare('SELECT count(*) FROM reasoning_patterns').pluck().get()).toBe(3);
    expect(await all.migration.compare()).toMatchObject({ unmirrored: 0, isEqual: true });
  });

  it('embeds a row anew that says something else now', async () => {
    const folder = temporaryFolder();
    const theirs = agentDb(folder, 3, 0);
    const all = open(folder);
    await copy(all, folder);
    theirs.prepare("UPDATE reasoning_patterns SET approach = 'another' WHERE id = 2").run();
    await copy(all, folder);
    const [found] = await all.store.search(vectorAt(hash('code-review: another')), 1);
    expect(found).toMatchObject({ pattern: { answer: 'another' } });
    expect(found?.similarity).toBeCloseTo(1, 4);
  });

  it('forgets the numbers of the rows when it is finished: another file has the same', async () => {
    const folder = temporaryFolder();
    agentDb(folder, 2, 0);
    const all = open(folder);
    await copy(all, folder);
    all.migration.switchOver();
    all.migration.finish();
    const other = path.join(folder, 'other');
    mkdirSync(other);
    const theirs = agentDb(other, 0, 0);
    addPattern(theirs, 50);
    await copy(all, other);
    expect(all.store.count()).toBe(3);
    expect(await all.migration.compare()).toMatchObject({ isEqual: true });
  });

  it('keeps what it learned when the file cannot be written', async () => {
    const folder = temporaryFolder();
    const theirs = agentDb(folder, 1, 0);
    const all = open(folder);
    await copy(all, folder);
    theirs.exec('ALTER TABLE reasoning_patterns RENAME TO elsewhere');
    expect(all.store.add([patternAt(2)], SPACE).added).toBe(1);
    expect(all.troubles[0]).toContain("AgentDB's file was not written");
    theirs.exec('ALTER TABLE elsewhere RENAME TO reasoning_patterns');
    expect(await all.migration.compare()).toMatchObject({ unmirrored: 1, isEqual: false });
    await copy(all, folder);
    expect(await all.migration.compare()).toMatchObject({ unmirrored: 0, isEqual: true });
  });

  it('names rows in which there is nothing to remember', async () => {
    const folder = temporaryFolder();
    const theirs = agentDb(folder, 1, 0);
    theirs.prepare("INSERT INTO episodes (session_id, task) VALUES ('s', 'no output')").run();
    const all = open(folder);
    await copy(all, folder);
    expect(await all.migration.compare()).toMatchObject({
      leftOut: ['episodes:1'],
      isEqual: true,
    });
  });

  it.each([
    ['no database', (file: string) => writeFileSync(file, 'text, and more of it '.repeat(50))],
    ['another database', (file: string) => new SqliteDatabase(file).exec('CREATE TABLE t (a)')],
    [
      'missing columns',
      (file: string) =>
        new SqliteDatabase(file).exec('CREATE TABLE reasoning_patterns (id INTEGER)'),
    ],
  ])('refuses %s, and changes nothing', async (_name, make) => {
    const folder = temporaryFolder();
    make(path.join(folder, 'agentdb.db'));
    const all = open(folder);
    await expect(copy(all, folder)).rejects.toMatchObject({ code: 'agentdb.unusable' });
    expect(all.migration.state()).toBeUndefined();
  });
});
