import { z } from 'zod';
import type { Database } from '../storage/database.ts';
import { withStorage } from '../storage/failure.ts';
import { createAttemptRows, type AskedFor } from './attempt-rows.ts';
import type { Ending, Ledger, LoneAttempt, RecordedAttempt, RecordedRequest } from './ledger.ts';
import { eventRow, requestRow } from './rows.ts';

/** Requests, attempts, events and sessions that one sweep removes at most, each. */
const SWEEP_ROWS = 200;

/** The process that writes. */
interface Self {
  pid: number;
  /** When it began, in milliseconds since the Unix epoch. */
  startedAt: number;
}

/** What a request cost is always the sum of its attempts: no caller adds it up. */
const TOTALS = `(input_tokens, output_tokens, usd) = (
  SELECT sum(input_tokens), sum(output_tokens),
    CASE WHEN count(nano_usd) = count(*) THEN total(nano_usd) / 1e9 END
  FROM attempts WHERE request_id = requests.id)`;

/** The ledger in the state database. Bodies of prompts and answers are in no row of it. */
export function createLedger(
  database: Database,
  self: Self = { pid: process.pid, startedAt: performance.timeOrigin },
): Ledger {
  const insertRequest = database.prepare(
    `INSERT INTO requests (id, at, pid, source, session, agent, priority, private, category, complexity,
       prompt_sha256, prompt_tokens_estimate, policy, tier, target, decision, state)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'running')`,
  );
  const rows = createAttemptRows(database);
  const askedForOf = database.prepare(
    `SELECT coalesce(agent, '') AS agent, category, session, NULL AS pair, source, complexity, priority,
       prompt_sha256 AS promptSha256
     FROM requests WHERE id = ?`,
  );
  // One that seemed interrupted may have gone on after all.
  const endRequest = database.prepare(
    `UPDATE requests SET state = ?, answered_tier = ?, answered_target = ?, failure = ?, ttft_ms = ?,
       total_ms = ?, overhead_ms = ?, ${TOTALS}
     WHERE id = ? AND state IN ('running', 'interrupted')`,
  );
  const addToEnded = database.prepare(
    `UPDATE requests SET ${TOTALS} WHERE id = ? AND state <> 'running'`,
  );
  const insertEvent = database.prepare(
    'INSERT INTO route_events (at, kind, request_id, detail) VALUES (?, ?, ?, ?)',
  );
  const requestsFrom = database.prepare(
    'SELECT * FROM requests WHERE id >= @id AND id < @id || char(0x10FFFF) ORDER BY id LIMIT 2',
  );
  const newest = database.prepare(
    `SELECT * FROM requests
     WHERE at >= @since AND at < @until
       AND (@states IS NULL OR state IN (SELECT value FROM json_each(@states)))
       AND (@tier IS NULL OR @tier IN (tier, answered_tier))
       AND (@target IS NULL OR @target IN (target, answered_target))
       AND (@policy IS NULL OR policy = @policy)
       AND (@category IS NULL OR category = @category)
       AND (@session IS NULL OR session = @session)
       AND (@agent IS NULL OR agent = @agent)
       AND (@source IS NULL OR source = @source)
     ORDER BY at DESC, rowid DESC LIMIT @limit`,
  );
  const eventsFrom = database.prepare('SELECT * FROM route_events WHERE at >= ? ORDER BY at, id');
  const runningPids = database
    .prepare("SELECT DISTINCT pid FROM requests WHERE state = 'running'")
    .pluck();
  const interrupt = database.prepare(
    `UPDATE requests SET state = 'interrupted', ${TOTALS}
     WHERE state = 'running' AND pid = ? AND at < ?`,
  );
  const sweeps = [
    `DELETE FROM requests WHERE rowid IN (
       SELECT rowid FROM requests WHERE at < @requests AND state <> 'running' LIMIT ${SWEEP_ROWS})`,
    `DELETE FROM route_events WHERE id IN (
       SELECT id FROM route_events WHERE at < @requests LIMIT ${SWEEP_ROWS})`,
    `DELETE FROM sessions WHERE rowid IN (
       SELECT rowid FROM sessions
       WHERE used_at < @sessions AND coalesce(holder_until, 0) < @sessions LIMIT ${SWEEP_ROWS})`,
  ].map((sql) => database.prepare(sql));

  function askedFor(requestId: string): AskedFor {
    const row = askedForRow.safeParse(askedForOf.get(requestId));
    if (row.success) return row.data;
    throw new Error(`request ${requestId} never began`);
  }

  const attempt = database.transaction((requestId: string, number: number, of: RecordedAttempt) => {
    rows.write(requestId, number, of, askedFor(requestId));
    addToEnded.run(requestId);
  });

  const alone = database.transaction((of: LoneAttempt) => {
    const { agent = '', category = '', session = null, pair = null } = of;
    rows.write(of.id, 0, of, { ...OF_NO_REQUEST, agent, category, session, pair });
  });

  const end = database.transaction(
    (id: string, ending: Ending, attempts: Parameters<Ledger['end']>[2]) => {
      if (attempts.length > 0) {
        const about = askedFor(id);
        for (const each of attempts) rows.write(id, each.number, each, about);
      }
      const { changes } = endRequest.run(
        ending.state,
        ending.answeredTier ?? null,
        ending.answeredTarget ?? null,
        ending.failure ?? null,
        ending.ttftMs ?? null,
        ending.totalMs,
        ending.overheadMs,
        id,
      );
      if (changes === 0) throw new Error(`request ${id} is not running`);
    },
  );

  const sweep = (before: Parameters<Ledger['sweep']>[0]): number =>
    sweeps.reduce(
      (removed, statement) => removed + statement.run(before).changes,
      rows.sweep(before.attempts, SWEEP_ROWS),
    );

  const markInterrupted = database.transaction((isAlive: (pid: number) => boolean): number => {
    let marked = 0;
    for (const pid of z.array(z.int()).parse(runningPids.all())) {
      // A process that began later may have got the number of the one that is gone; in a container it always does.
      if (pid === self.pid) marked += interrupt.run(pid, self.startedAt).changes;
      else if (!isAlive(pid)) marked += interrupt.run(pid, Infinity).changes;
    }
    return marked;
  });

  function requestIn(row: unknown): RecordedRequest {
    const request = requestRow.parse(row);
    return { ...request, attempts: rows.of(request.id) };
  }

  return {
    begin: (request) => {
      withStorage(() =>
        insertRequest.run(
          request.id,
          request.at,
          self.pid,
          request.source,
          request.session ?? null,
          request.agent ?? null,
          request.priority,
          request.private ? 1 : 0,
          request.category,
          request.complexity,
          request.promptSha256,
          request.promptTokensEstimate,
          request.policy,
          request.tier,
          request.target,
          JSON.stringify(request.decision),
        ),
      );
    },
    attempt: (...attempted) => withStorage(() => attempt.immediate(...attempted)),
    alone: (of) => withStorage(() => alone.immediate(of)),
    end: (...ended) => withStorage(() => end.immediate(...ended)),
    event: ({ at, kind, requestId, detail }) => {
      withStorage(() =>
        insertEvent.run(at, kind, requestId ?? null, JSON.stringify(detail ?? null)),
      );
    },
    find: (id) =>
      withStorage(() => {
        const [row, ...others] = requestsFrom.all({ id }).map(requestIn);
        return row?.id === id || others.length === 0 ? row : undefined;
      }),
    history: ({ since = 0, until = Infinity, states, limit, ...filter }) =>
      withStorage(() =>
        newest
          .all({
            ...UNFILTERED,
            ...filter,
            since,
            until,
            states: states === undefined ? null : JSON.stringify(states),
            limit,
          })
          .map(requestIn),
      ),
    events: (since) => withStorage(() => z.array(eventRow).parse(eventsFrom.all(since))),
    markInterrupted: (isAlive) => withStorage(() => markInterrupted.immediate(isAlive)),
    sweep: (before) => withStorage(() => sweep(before)),
  };
}

const askedForRow = z.object({
  agent: z.string(),
  category: z.string(),
  session: z.string().nullable(),
  pair: z.null(),
  source: z.string(),
  complexity: z.string(),
  priority: z.string(),
  promptSha256: z.string(),
});

const OF_NO_REQUEST = { source: null, complexity: null, priority: null, promptSha256: null };

const UNFILTERED = {
  tier: null,
  target: null,
  policy: null,
  category: null,
  session: null,
  agent: null,
  source: null,
};
