import { z } from 'zod';
import type { Database } from '../storage/database.ts';

export type BreakerState = 'closed' | 'open' | 'half-open';
/** What was wrong with an answer: there was none, it came late, or it was bad. */
export type FailureKind = 'error' | 'latency' | 'quality';

/** A breaker as the database knows it. Times are milliseconds since the Unix epoch. */
export interface BreakerRow {
  state: BreakerState;
  /** Grows with every change of state and every probe. */
  generation: number;
  /** What opened it last. */
  kind: FailureKind;
  /** When it came into its state. */
  since: number;
  /** Probes in a row that came back well. */
  successes: number;
  /** The probe that is out, while its holder keeps the lease alive. */
  probe: { claimedAt: number; expiresAt: number } | undefined;
}

const rowSchema = z
  .object({
    state: z.enum(['closed', 'open', 'half-open']),
    generation: z.int(),
    kind: z.enum(['error', 'latency', 'quality']),
    since: z.int(),
    successes: z.int(),
    probe_claimed_at: z.int().nullable(),
    probe_expires_at: z.int().nullable(),
  })
  .transform(
    ({ probe_claimed_at: claimedAt, probe_expires_at: expiresAt, ...row }): BreakerRow => ({
      probe: claimedAt === null || expiresAt === null ? undefined : { claimedAt, expiresAt },
      ...row,
    }),
  );

/** One breaker's rows. Several processes may hold stores of the same breaker. */
export interface BreakerStore {
  read(): BreakerRow;
  write(row: BreakerRow): void;
  /** Adds a failure, forgets those outside the window, and counts the rest. */
  addFailure(at: number, windowMs: number): number;
  clearFailures(): void;
  /** Runs `work` alone among all processes, whole or not at all. */
  alone<Result>(work: () => Result): Result;
}

const UNTOUCHED: BreakerRow = {
  state: 'closed',
  generation: 0,
  kind: 'error',
  since: 0,
  successes: 0,
  probe: undefined,
};

export function createBreakerStore(database: Database, id: string): BreakerStore {
  const select = database.prepare('SELECT * FROM breakers WHERE id = ?');
  const upsert = database.prepare(
    'INSERT OR REPLACE INTO breakers (id, state, generation, kind, since, successes, probe_claimed_at, probe_expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
  );
  const insertFailure = database.prepare(
    'INSERT INTO breaker_failures (breaker_id, at) VALUES (?, ?)',
  );
  // Failures of the future were written before the machine's clock was set back.
  const forget = database.prepare(
    'DELETE FROM breaker_failures WHERE breaker_id = ? AND (at <= ? OR at > ?)',
  );
  const count = database
    .prepare('SELECT count(*) FROM breaker_failures WHERE breaker_id = ?')
    .pluck();
  const clear = database.prepare('DELETE FROM breaker_failures WHERE breaker_id = ?');

  return {
    read() {
      const row = select.get(id);
      return row === undefined ? UNTOUCHED : rowSchema.parse(row);
    },
    write(row) {
      upsert.run(
        id,
        row.state,
        row.generation,
        row.kind,
        row.since,
        row.successes,
        row.probe?.claimedAt ?? null,
        row.probe?.expiresAt ?? null,
      );
    },
    addFailure(at, windowMs) {
      insertFailure.run(id, at);
      forget.run(id, at - windowMs, at);
      return Number(count.get(id));
    },
    clearFailures: () => void clear.run(id),
    alone: (work) => database.transaction(work).immediate(),
  };
}
