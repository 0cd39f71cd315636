import { z } from 'zod';
import type { Database } from '../storage/database.ts';
import { withStorage } from '../storage/failure.ts';
import { GENESIS, hashOf, type ChainedEntry, type LogEntry } from './log.ts';
import type { Observation } from './observation.ts';
import { checkRow, entryRow, observationRow, type QualityCheck } from './rows.ts';

export interface Head {
  seq: number;
  hash: string;
}

/**
 * Rollouts in the state database. Several processes may write at once. What a method has written
 * when it returns outlives the process. Each throws AppError `storage.*`.
 */
export interface RolloutStore {
  /** Where the log ends; grows with every entry. */
  head(): Head;
  /** The log, the oldest first, up to the first row that is no entry at all; `unreadable` is its number. */
  log(): { entries: ChainedEntry[]; unreadable?: number };
  /** Adds an entry behind the newest. Only within `alone`. */
  append(entry: Omit<LogEntry, 'seq'>): LogEntry;
  /** Runs `work` alone among all processes, whole or not at all. */
  alone<Result>(work: () => Result): Result;
  /** Once for each request: what is known already is left as it is. */
  observe(observations: readonly Observation[]): void;
  /** Those of a stage behind a number, in the order they were written. */
  observations(
    rollout: string,
    stage: number,
    after: number,
    limit: number,
  ): { id: number; observation: Observation }[];
  /** Milliseconds of the reference's first answers in a rollout, of the stages before the given one. */
  baseline(rollout: string, stage: number, limit: number): number[];
  saveCheck(rollout: string, check: QualityCheck): void;
  /** The oldest first. */
  checks(rollout: string): QualityCheck[];
  /** Removes what was observed in other rollouts before a time. */
  forget(rollout: string, before: number): void;
}

export function createRolloutStore(database: Database): RolloutStore {
  const selectHead = database.prepare('SELECT seq, hash FROM rollout_head');
  const setHead = database.prepare(
    'INSERT OR REPLACE INTO rollout_head (one, seq, hash) VALUES (1, ?, ?)',
  );
  const selectLog = database.prepare('SELECT * FROM rollout_log ORDER BY seq');
  const insertEntry = database.prepare(
    'INSERT INTO rollout_log (seq, text, previous, hash) VALUES (?, ?, ?, ?)',
  );
  const insertObservation = database.prepare(
    `INSERT OR IGNORE INTO rollout_observations (rollout, stage, at, request_id, unit, arm, category, compared,
       candidate_outcome, candidate_ms, candidate_usd, reference_outcome, reference_ms, reference_usd,
       grading, candidate_score, reference_score)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectObservations = database.prepare(
    `SELECT * FROM rollout_observations WHERE rollout = ? AND stage = ? AND id > ?
     ORDER BY id LIMIT ?`,
  );
  const selectBaseline = database
    .prepare(
      `SELECT reference_ms FROM rollout_observations
       WHERE rollout = ? AND stage < ? AND reference_outcome = 'ok' ORDER BY id LIMIT ?`,
    )
    .pluck();
  const insertCheck = database.prepare(
    `INSERT OR IGNORE INTO rollout_checks (rollout, stage, pairs, at, ratio, lower, upper)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  );
  const selectChecks = database.prepare(
    'SELECT * FROM rollout_checks WHERE rollout = ? ORDER BY stage, pairs',
  );
  const forget = [
    'DELETE FROM rollout_observations WHERE rollout <> ? AND at < ?',
    'DELETE FROM rollout_checks WHERE rollout <> ? AND at < ?',
  ].map((sql) => database.prepare(sql));

  const head = (): Head => headRow.parse(selectHead.get() ?? { seq: 0, hash: GENESIS });

  const observeAll = database.transaction((observations: readonly Observation[]) => {
    for (const it of observations) {
      const { candidate, reference, grading } = it;
      insertObservation.run(
        it.rollout,
        it.stage,
        it.at,
        it.requestId,
        it.unit,
        it.arm,
        it.category,
        it.compared,
        candidate?.outcome ?? null,
        candidate?.ms ?? null,
        candidate?.usd ?? null,
        reference?.outcome ?? null,
        reference?.ms ?? null,
        reference?.usd ?? null,
        grading.state,
        grading.state === 'scored' ? grading.candidate : null,
        grading.state === 'scored' ? grading.reference : null,
      );
    }
  });

  return {
    head: () => withStorage(head),
    log: () =>
      withStorage(() => {
        const entries: ChainedEntry[] = [];
        for (const row of selectLog.iterate()) {
          const { data } = entryRow.safeParse(row);
          if (data === undefined) return { entries, unreadable: entries.length + 1 };
          entries.push(data);
        }
        return { entries };
      }),
    append: (entry) =>
      withStorage(() => {
        const { seq, hash: previous } = head();
        const whole: LogEntry = { seq: seq + 1, ...entry };
        const text = JSON.stringify(whole);
        const hash = hashOf(previous, text);
        insertEntry.run(whole.seq, text, previous, hash);
        setHead.run(whole.seq, hash);
        return whole;
      }),
    alone: (work) => withStorage(() => database.transaction(work).immediate()),
    observe: (observations) => withStorage(() => observeAll.immediate(observations)),
    observations: (rollout, stage, after, limit) =>
      withStorage(() =>
        z.array(observationRow).parse(selectObservations.all(rollout, stage, after, limit)),
      ),
    baseline: (rollout, stage, limit) =>
      withStorage(() => z.array(z.number()).parse(selectBaseline.all(rollout, stage, limit))),
    saveCheck: (rollout, { stage, pairs, at, ratio, lower, upper }) =>
      void withStorage(() => insertCheck.run(rollout, stage, pairs, at, ratio, lower, upper)),
    checks: (rollout) => withStorage(() => z.array(checkRow).parse(selectChecks.all(rollout))),
    forget: (rollout, before) => {
      withStorage(() => {
        for (const statement of forget) statement.run(rollout, before);
      });
    },
  };
}

const headRow = z.object({ seq: z.int(), hash: z.string() });
