import { z } from 'zod';
import { AppError, messageOf } from '../core/errors.ts';
import type { Database } from '../storage/database.ts';
import type { ServeReport, TargetReport } from './result.ts';

/** A target's outcome as it was kept. */
export interface PastCheck {
  startedAt: string;
  maxTokens: number;
  target: TargetReport;
}

/** Checks of the past in the state database. */
export interface CheckHistory {
  /** The newest check of the same target that measured load. */
  last(target: TargetReport): PastCheck | undefined;
  /** @throws AppError `storage.not-written` */
  save(report: ServeReport): void;
}

const rowSchema = z.object({ result: z.string() });

export function createCheckHistory(database: Database): CheckHistory {
  const insert = database.prepare(
    'INSERT INTO serve_checks (id, target, started_at, result) VALUES (?, ?, ?, ?)',
  );
  const newest = database.prepare(
    `SELECT result FROM serve_checks
     WHERE target = ? AND result ->> '$.target.load.state' = 'measured'
     ORDER BY started_at DESC, rowid DESC LIMIT 1`,
  );
  const save = database.transaction((report: ServeReport) => {
    const { id, startedAt, maxTokens } = report.check;
    for (const target of report.targets) {
      const past: PastCheck = { startedAt, maxTokens, target };
      insert.run(id, keyOf(target), startedAt, JSON.stringify(past));
    }
  });
  return {
    last: (target) => {
      const row = newest.get(keyOf(target));
      if (row === undefined) return undefined;
      // What this column holds was written above, from a value of this type.
      const past: PastCheck = JSON.parse(rowSchema.parse(row).result);
      return past;
    },
    save: (report) => {
      try {
        save.immediate(report);
      } catch (error) {
        throw new AppError(
          'storage.not-written',
          `The state cannot be written: ${messageOf(error)}`,
          {
            hint: 'Make room on the disk of the state folder, or choose another with --state <folder>.',
            cause: error,
          },
        );
      }
    },
  };
}

/** The same server and model, under whatever tier it was checked. */
function keyOf({ url, name, model }: TargetReport): string {
  return JSON.stringify([url ?? name.split(':')[0], model]);
}
