import { mkdirSync } from 'node:fs';
import path from 'node:path';
import Sqlite, { type Database } from 'better-sqlite3';
import { AppError, messageOf } from '../core/errors.ts';
import { migration001 } from './migrations/001-baseline.ts';
import { migration002 } from './migrations/002-breaker.ts';
import { migration003 } from './migrations/003-serve-check.ts';
import { migration004 } from './migrations/004-route.ts';
import { migration005 } from './migrations/005-patterns.ts';
import { migration006 } from './migrations/006-curation.ts';
import { migration007 } from './migrations/007-ledger.ts';
import { migration008 } from './migrations/008-recalls.ts';
import { migration009 } from './migrations/009-rollout.ts';
import { migration010 } from './migrations/010-baseline-sides.ts';
import { migration011 } from './migrations/011-ledger-indexes.ts';
import { migration012 } from './migrations/012-validation.ts';

export type { Database } from 'better-sqlite3';

/** Forward only: migration n takes a database from version n − 1 to n, in one transaction. */
const MIGRATIONS: readonly string[] = [
  migration001,
  migration002,
  migration003,
  migration004,
  migration005,
  migration006,
  migration007,
  migration008,
  migration009,
  migration010,
  migration011,
  migration012,
];

/** The state folder's one database file. */
export const DATABASE_FILE = 'state.sqlite';

/** Milliseconds that a statement waits for another process's; the whole process waits with it. */
const LOCK_MS = 10_000;

/**
 * Opens (and creates) the database of a state folder and brings it to the current version.
 * @throws AppError `storage.unusable` when the folder cannot be written or the file is no database,
 * `storage.newer` when a later version of aqe-llm wrote it
 */
export function openDatabase(stateFolder: string, { lockMs = LOCK_MS } = {}): Database {
  const file = path.join(stateFolder, DATABASE_FILE);
  let database: Database | undefined;
  try {
    mkdirSync(stateFolder, { recursive: true });
    database = new Sqlite(file, { timeout: lockMs });
    const journal: unknown = database.pragma('journal_mode = WAL', { simple: true });
    if (journal !== 'wal') throw new Error(`journal mode is ${String(journal)}, not WAL`);
    database.pragma('synchronous = NORMAL');
    database.pragma('foreign_keys = ON');
    migrate(database, file);
    return database;
  } catch (error) {
    database?.close();
    if (error instanceof AppError) throw error;
    throw new AppError(
      'storage.unusable',
      `The state in ${file} cannot be used: ${messageOf(error)}`,
      {
        hint: 'Check that the folder can be written, is on a local disk and has room, or choose another with --state <folder>.',
        cause: error,
      },
    );
  }
}

function migrate(database: Database, file: string): void {
  const upgrade = database.transaction(() => {
    const version = Number(database.pragma('user_version', { simple: true }));
    if (version > MIGRATIONS.length) {
      throw new AppError('storage.newer', `${file} was written by a newer version of aqe-llm.`, {
        hint: 'Update aqe-llm, or choose another folder with --state <folder>.',
      });
    }
    for (const [index, sql] of MIGRATIONS.entries()) {
      if (index < version) continue;
      database.exec(sql);
      database.pragma(`user_version = ${index + 1}`);
    }
  });
  upgrade.immediate();
}
