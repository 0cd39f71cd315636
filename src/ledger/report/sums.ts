import { z } from 'zod';
import type { Database } from '../../storage/database.ts';
import type { Range } from './periods.ts';

/** Added up over attempts. Every token is in one class, except that those thought are output too. */
export interface Sums {
  attempts: number;
  /** With a known price. */
  priced: number;
  /** Billionths of a US dollar of the priced ones. */
  nanoUsd: number;
  /** Neither read from a cache nor written to one. */
  inputTokens: number;
  cacheReadTokens: number;
  /** Kept for five minutes. */
  cacheWriteTokens: number;
  /** Kept for an hour. */
  cacheWriteHourTokens: number;
  outputTokens: number;
  /** The part of the output that was thought and not said. */
  reasoningTokens: number;
  /** That targets were at work. */
  ms: number;
}

const FIELDS = [
  'attempts',
  'priced',
  'nanoUsd',
  'inputTokens',
  'cacheReadTokens',
  'cacheWriteTokens',
  'cacheWriteHourTokens',
  'outputTokens',
  'reasoningTokens',
  'ms',
] as const satisfies readonly (keyof Sums)[];

/** In the order of `FIELDS`. */
const SUMS = `count(*), count(nano_usd), coalesce(sum(nano_usd), 0),
  coalesce(sum(max(0, input_tokens - coalesce(cached_input_tokens, 0) - coalesce(cache_write_tokens, 0))), 0),
  coalesce(sum(cached_input_tokens), 0),
  coalesce(sum(cache_write_tokens - min(coalesce(cache_write_hour_tokens, 0), cache_write_tokens)), 0),
  coalesce(sum(min(cache_write_hour_tokens, cache_write_tokens)), 0),
  coalesce(sum(output_tokens), 0), coalesce(sum(min(reasoning_tokens, output_tokens)), 0),
  total(total_ms)`;

export function noSums(): Sums {
  return {
    attempts: 0,
    priced: 0,
    nanoUsd: 0,
    inputTokens: 0,
    cacheReadTokens: 0,
    cacheWriteTokens: 0,
    cacheWriteHourTokens: 0,
    outputTokens: 0,
    reasoningTokens: 0,
    ms: 0,
  };
}

export function add(to: Sums, more: Sums): void {
  for (const field of FIELDS) to[field] += more[field];
}

export function subtract(from: Sums, some: Sums): void {
  for (const field of FIELDS) from[field] -= some[field];
}

/** All tokens, those of the output once. */
export function tokensOf(sums: Sums): number {
  return (
    sums.inputTokens +
    sums.cacheReadTokens +
    sums.cacheWriteTokens +
    sums.cacheWriteHourTokens +
    sums.outputTokens
  );
}

/** What a report by session has to know of a kind. */
export interface SessionKind {
  id: number;
  /** Kinds of one group are added up together. */
  group: number;
  outcome: string;
  /** What a millisecond of work cost on machines of one's own. */
  hardwareUsdPerMs: number;
}

export interface SessionSums {
  session: string;
  group: number;
  sums: Sums;
  ok: number;
  cancelled: number;
  hardwareUsd: number;
}

export interface SumReader {
  /** By kind, of a range. */
  byKind(range: Range): IterableIterator<{ kind: number; sums: Sums }>;
  /**
   * By session, and by the group of the kind where there are several, of attempts that have a
   * session and one of the kinds.
   */
  bySession(range: Range, kinds: readonly SessionKind[]): IterableIterator<SessionSums>;
  countIn(range: Range): number;
  /** When the first and the last attempt were; `undefined` where there is none. */
  extent(): { first: number; last: number } | undefined;
}

/** Sums straight from the attempts: there is nothing else that could differ from them. */
export function createSumReader(database: Database): SumReader {
  // Kind by kind, so that rows come in the order in which they stand, and nothing is sorted.
  const byKind = database
    .prepare(
      `SELECT k.id, ${SUMS} FROM attempt_kinds k
       CROSS JOIN attempts a ON a.kind = k.id AND a.at >= ? AND a.at < ? GROUP BY k.id`,
    )
    .raw();
  const count = database
    .prepare(
      'SELECT count(*) FROM attempt_kinds k CROSS JOIN attempts a ON a.kind = k.id AND a.at >= @since AND a.at < @until',
    )
    .pluck();
  const extent = database.prepare(
    `SELECT min(first) AS first, max(last) AS last FROM (
       SELECT (SELECT min(at) FROM attempts WHERE kind = k.id) AS first,
         (SELECT max(at) FROM attempts WHERE kind = k.id) AS last FROM attempt_kinds k)`,
  );
  return {
    *byKind({ since, until }) {
      for (const row of byKind.iterate(since, until)) {
        const values = valuesOf(row);
        yield { kind: Number(values[0]), sums: sumsOf(values, 1) };
      }
    },
    *bySession({ since, until }, kinds) {
      // A table of this connection alone: what is looked up a million times is to have a key.
      database.exec(`DROP TABLE IF EXISTS temp.session_kinds;
        CREATE TEMP TABLE session_kinds (kind INTEGER PRIMARY KEY, part INTEGER, ok INTEGER, cancelled INTEGER, usd_per_ms REAL) STRICT`);
      const insert = database.prepare('INSERT INTO session_kinds VALUES (?, ?, ?, ?, ?)');
      for (const { id, group, outcome, hardwareUsdPerMs } of kinds) {
        insert.run(
          id,
          group,
          Number(outcome === 'ok'),
          Number(outcome === 'cancelled'),
          hardwareUsdPerMs,
        );
      }
      const isOneGroup = kinds.every(({ group }) => group === kinds[0]?.group);
      // Sessions stand one after the other in the index: without parts nothing is sorted.
      const bySession = database
        .prepare(
          `SELECT session, part, sum(ok), sum(cancelled), total(total_ms * usd_per_ms), ${SUMS}
           FROM attempts INDEXED BY attempts_by_session CROSS JOIN session_kinds USING (kind)
           WHERE session IS NOT NULL AND at >= ? AND at < ?
           GROUP BY session${isOneGroup ? '' : ', part'}`,
        )
        .raw();
      for (const row of bySession.iterate(since, until)) {
        const values = valuesOf(row);
        yield {
          session: String(values[0]),
          group: Number(values[1]),
          ok: Number(values[2]),
          cancelled: Number(values[3]),
          hardwareUsd: Number(values[4]),
          sums: sumsOf(values, 5),
        };
      }
    },
    countIn: (range) => Number(count.get(range)),
    extent() {
      const { first, last } = extentRow.parse(extent.get());
      return first === null || last === null ? undefined : { first, last };
    },
  };
}

const extentRow = z.object({ first: z.number().nullable(), last: z.number().nullable() });

/** Of hundreds of thousands of rows, in which a schema would take longer than the database. */
function valuesOf(row: unknown): unknown[] {
  if (Array.isArray(row)) return row;
  throw new Error('a row of sums is no list');
}

/** @param from where the sums begin */
function sumsOf(values: readonly unknown[], from: number): Sums {
  const sums = noSums();
  for (const [index, field] of FIELDS.entries()) sums[field] = Number(values[from + index]);
  return sums;
}
