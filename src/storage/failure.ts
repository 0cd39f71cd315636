import Sqlite from 'better-sqlite3';
import { AppError, ExitCode, messageOf } from '../core/errors.ts';

const FAILURES = {
  SQLITE_BUSY: {
    code: 'storage.locked',
    hint: 'Another process holds the state for long: wait for it, or choose another folder with --state <folder>.',
    exitCode: ExitCode.LockConflict,
  },
  SQLITE_READONLY: {
    code: 'storage.read-only',
    hint: 'Give this user the right to write to the state folder, or choose another with --state <folder>.',
    exitCode: ExitCode.Usage,
  },
  SQLITE_FULL: {
    code: 'storage.full',
    hint: 'Make room on the disk of the state folder. What was stored before is kept.',
    exitCode: ExitCode.Usage,
  },
} as const;

const OTHER = {
  code: 'storage.unusable',
  hint: 'Check that the state folder is on a local disk that works, or choose another with --state <folder>.',
  exitCode: ExitCode.Usage,
} as const;

/**
 * Does work on the state database.
 * @throws AppError `storage.locked`, `storage.read-only`, `storage.full` or `storage.unusable` where
 * the database fails; what else `work` throws
 */
export function withStorage<Result>(work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof Sqlite.SqliteError) || isDefect(error.code)) throw error;
    const { code, hint, exitCode } = failureOf(error.code);
    throw new AppError(code, `The state cannot be used: ${messageOf(error)}`, {
      hint,
      exitCode,
      cause: error,
    });
  }
}

/** Extended codes say more after the plain one, as in `SQLITE_READONLY_DBMOVED`. */
function failureOf(code: string): (typeof FAILURES)[keyof typeof FAILURES] | typeof OTHER {
  for (const [name, failure] of Object.entries(FAILURES)) {
    if (code === name || code.startsWith(`${name}_`)) return failure;
  }
  return OTHER;
}

/** Rows that break a rule of the schema are a mistake of the program, and no failure of the disk. */
function isDefect(code: string): boolean {
  return code.startsWith('SQLITE_CONSTRAINT');
}
