import { z } from 'zod';
import type { Database } from '../storage/database.ts';
import type { RecordedAttempt } from './ledger.ts';
import { attemptRow } from './rows.ts';

/** For whom something was asked; empty text where nobody said. */
export interface AskedFor {
  agent: string;
  category: string;
  session: string | null;
  pair: string | null;
  source: string | null;
  complexity: string | null;
  priority: string | null;
  /** In hexadecimal digits; the first 16 are kept. */
  promptSha256: string | null;
}

/** Rows of attempts, each written once. */
export interface AttemptRows {
  /** Within a transaction. The same again changes nothing. @throws Error where another one is there */
  write(requestId: string, number: number, attempt: RecordedAttempt, askedFor: AskedFor): void;
  /** In the order of their numbers. */
  of(requestId: string): RecordedAttempt[];
  /** Removes the oldest from before a time; returns how many. */
  sweep(before: number, most: number): number;
}

const NANO = 1e9;
const KIND =
  'target, tier, self_hosted, purpose, batch, outcome, agent, category, price_version' as const;

export function createAttemptRows(database: Database): AttemptRows {
  const kindOf = database
    .prepare(`SELECT id FROM attempt_kinds WHERE (${KIND}) = (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    .pluck();
  const insertKind = database.prepare(
    `INSERT INTO attempt_kinds (${KIND}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  );
  const insert = database.prepare(
    `INSERT INTO attempts (kind, at, request_id, number, nano_usd, input_tokens, cached_input_tokens,
       cache_write_tokens, cache_write_hour_tokens, output_tokens, reasoning_tokens, total_ms, ttft_ms,
       session, pair, source, complexity, priority, prompt)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, unhex(substr(?, 1, 16))) ON CONFLICT (request_id, number) DO NOTHING`,
  );
  const select = database.prepare(
    `SELECT * FROM attempts JOIN attempt_kinds k ON k.id = kind WHERE request_id = ? ORDER BY number`,
  );
  const one = database
    .prepare(
      'SELECT kind, at, nano_usd, total_ms FROM attempts WHERE request_id = ? AND number = ?',
    )
    .raw();
  // Kind by kind, since the rows of each stand in the order of time.
  const removeOld = database.prepare(
    `DELETE FROM attempts WHERE (request_id, number) IN (
       SELECT a.request_id, a.number FROM attempt_kinds k
       CROSS JOIN attempts a ON a.kind = k.id AND a.at < ? LIMIT ?)`,
  );

  function kindId(attempt: RecordedAttempt, { agent, category }: AskedFor): number {
    const kind = [
      attempt.target,
      attempt.tier,
      attempt.selfHosted ? 1 : 0,
      attempt.purpose,
      attempt.batch ? 1 : 0,
      attempt.outcome,
      agent,
      category,
      attempt.priceVersion ?? '',
    ];
    const known = kindOf.get(...kind);
    return Number(known ?? insertKind.run(...kind).lastInsertRowid);
  }

  return {
    write(requestId, number, attempt, askedFor) {
      const { usage = {}, usd } = attempt;
      const kind = kindId(attempt, askedFor);
      const nanoUsd = usd === undefined ? null : Math.round(usd * NANO);
      const { changes } = insert.run(
        kind,
        attempt.at,
        requestId,
        number,
        nanoUsd,
        usage.inputTokens ?? null,
        usage.cachedInputTokens ?? null,
        usage.cacheWriteTokens ?? null,
        usage.cacheWriteHourTokens ?? null,
        usage.outputTokens ?? null,
        usage.reasoningTokens ?? null,
        attempt.totalMs,
        attempt.ttftMs ?? null,
        askedFor.session,
        askedFor.pair,
        askedFor.source,
        askedFor.complexity,
        askedFor.priority,
        askedFor.promptSha256,
      );
      if (changes > 0) return;
      const there = JSON.stringify(one.get(requestId, number));
      if (there === JSON.stringify([kind, attempt.at, nanoUsd, attempt.totalMs])) return;
      throw new Error(`attempt ${number} of ${requestId} is another one already`);
    },
    of: (requestId) => z.array(attemptRow).parse(select.all(requestId)),
    sweep: (before, most) => removeOld.run(before, most).changes,
  };
}
