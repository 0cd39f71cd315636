import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DATABASE_FILE, openDatabase } from '../../src/storage/database.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-state-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('openDatabase', () => {
  it('opens in WAL mode with foreign keys and a version, again and again', () => {
    for (const _ of [1, 2]) {
      const database = openDatabase(path.join(folder, 'deep', 'state'));
      expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
      expect(database.pragma('foreign_keys', { simple: true })).toBe(1);
      expect(database.pragma('user_version', { simple: true })).toBe(12);
      database.close();
    }
  });

  it('refuses a file that is no database, and leaves it as it is', () => {
    const file = path.join(folder, DATABASE_FILE);
    writeFileSync(file, 'these are somebody’s notes, not a database');
    expect(() => openDatabase(folder)).toThrow(/cannot be used/);
  });

  it('refuses the state of a newer version', () => {
    const database = openDatabase(folder);
    database.pragma('user_version = 99');
    database.close();
    expect(() => openDatabase(folder)).toThrow(/newer version/);
  });

  it('refuses a folder that cannot be made', () => {
    writeFileSync(path.join(folder, 'file'), '');
    expect(() => openDatabase(path.join(folder, 'file', 'state'))).toThrow(/cannot be used/);
  });
});
