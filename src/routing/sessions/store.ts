import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import type { Message } from '../../core/request.ts';
import type { Database } from '../../storage/database.ts';
import { withStorage } from '../../storage/failure.ts';
import type { Conversation } from './turns.ts';

/** A session as the database knows it. */
export interface StoredSession extends Conversation {
  /** Grows with every turn. */
  version: number;
  /** Whether any turn of it was private. */
  private: boolean;
  /** For a window of so many tokens: the first message that is sent. */
  trims: ReadonlyMap<number, number>;
}

export interface Turn {
  /** Of the session that the turn goes on with. */
  version: number;
  private: boolean;
  /** Number of the turn's first message; those from there on are replaced. */
  from: number;
  messages: readonly Message[];
  /** `undefined` leaves those that are there. */
  system: readonly Message[] | undefined;
  /** For windows of so many tokens: the first message that is sent. */
  trims: readonly (readonly [contextTokens: number, first: number])[];
}

export interface SessionStoreOptions {
  database: Database;
  /** Read inside of the transactions, so that no two processes see time run backwards. */
  clock: Clock;
  /** Milliseconds that an idle session is kept. */
  ttlMs: number;
  /** Whose leases are written. */
  holder: string;
}

/** Milliseconds after which others may have the session of a process that has died. */
export const LEASE_MS = 15_000;

/** Rows of sessions. Every change is one transaction, and throws `storage.*` where it fails. */
export interface SessionStore {
  /** Leases the session to the holder; `undefined` while somebody else has it. */
  claim(id: string): StoredSession | undefined;
  /** False when the holder does not have the session any more. */
  renew(id: string): boolean;
  /** False, and nothing written, when somebody else has the session, or it is at another version. */
  append(id: string, turn: Turn): boolean;
  /** Ends the lease. A session without a turn leaves no trace. */
  release(id: string): void;
}

const rowSchema = z.object({
  version: z.int(),
  private: z.int(),
  used_at: z.int(),
  holder: z.string().nullable(),
  holder_until: z.int().nullable(),
});
type Row = z.infer<typeof rowSchema>;

const toolCallSchema = z.object({ id: z.string(), name: z.string(), arguments: z.string() });
const messageSchema: z.ZodType<Message> = z.discriminatedUnion('role', [
  z.object({ role: z.enum(['system', 'user']), content: z.string() }),
  z.object({
    role: z.literal('assistant'),
    content: z.string(),
    toolCalls: z.array(toolCallSchema).exactOptional(),
  }),
  z.object({ role: z.literal('tool'), content: z.string(), toolCallId: z.string() }),
]);
const messageRows = z.array(z.object({ number: z.int(), message: z.string() }));
const trimRows = z.array(z.object({ context_tokens: z.int(), first_message: z.int() }));

export function createSessionStore(options: SessionStoreOptions): SessionStore {
  const { database, clock, ttlMs, holder } = options;
  const select = database.prepare('SELECT * FROM sessions WHERE id = ?');
  const insert = database.prepare(
    'INSERT INTO sessions (id, created_at, used_at, version, holder, holder_until) VALUES (?, ?, ?, 0, ?, ?)',
  );
  const lease = database.prepare('UPDATE sessions SET holder = ?, holder_until = ? WHERE id = ?');
  const renewal = database.prepare(
    'UPDATE sessions SET holder_until = ? WHERE id = ? AND holder = ?',
  );
  const advance = database.prepare(
    'UPDATE sessions SET version = version + 1, used_at = ?, private = max(private, ?) WHERE id = ? AND version = ? AND holder = ?',
  );
  const end = database.prepare(
    'UPDATE sessions SET holder = NULL, holder_until = NULL WHERE id = ? AND holder = ?',
  );
  const remove = database.prepare('DELETE FROM sessions WHERE id = ?');
  const removeUnused = database.prepare(
    'DELETE FROM sessions WHERE id = ? AND version = 0 AND holder IS NULL',
  );
  const selectMessages = database.prepare(
    'SELECT number, message FROM session_messages WHERE session_id = ? ORDER BY number',
  );
  const selectTrims = database.prepare(
    'SELECT context_tokens, first_message FROM session_trims WHERE session_id = ?',
  );
  const insertMessage = database.prepare(
    'INSERT INTO session_messages (session_id, number, message) VALUES (?, ?, ?)',
  );
  const removeSystem = database.prepare(
    'DELETE FROM session_messages WHERE session_id = ? AND number < 0',
  );
  const removeFrom = database.prepare(
    'DELETE FROM session_messages WHERE session_id = ? AND number >= ?',
  );
  const removeTrims = database.prepare('DELETE FROM session_trims WHERE session_id = ?');
  const insertTrim = database.prepare(
    'INSERT INTO session_trims (session_id, context_tokens, first_message) VALUES (?, ?, ?)',
  );

  function rowOf(id: string): Row | undefined {
    const row = select.get(id);
    return row === undefined ? undefined : rowSchema.parse(row);
  }

  /** Writers do not wait for the reading of a long history: the lease keeps it as it is. */
  function readSession(id: string): StoredSession {
    const read = database.transaction(() => ({
      row: rowOf(id),
      messages: selectMessages.all(id),
      trims: selectTrims.all(id),
    }));
    const { row, messages, trims: trimmed } = withStorage(() => read.deferred());
    const rows = messageRows.parse(messages).map(({ number, message }) => ({
      number,
      message: messageSchema.parse(JSON.parse(message)),
    }));
    const trims = trimRows.parse(trimmed);
    return {
      version: row?.version ?? 0,
      private: row?.private === 1,
      system: rows.filter(({ number }) => number < 0).map(({ message }) => message),
      messages: rows.filter(({ number }) => number >= 0).map(({ message }) => message),
      trims: new Map(trims.map((trim) => [trim.context_tokens, trim.first_message])),
    };
  }

  const alone = <Result>(work: (now: number) => Result): Result =>
    withStorage(() => database.transaction(() => work(clock.now())).immediate());

  return {
    claim(id) {
      const claimed = alone((now) => {
        let row = rowOf(id);
        if (row !== undefined && row.holder !== holder && isHeld(row, now)) return false;
        if (row !== undefined && row.used_at <= now - ttlMs) {
          remove.run(id);
          row = undefined;
        }
        if (row === undefined) insert.run(id, now, now, holder, now + LEASE_MS);
        else lease.run(holder, now + LEASE_MS, id);
        return true;
      });
      return claimed ? readSession(id) : undefined;
    },
    renew: (id) => alone((now) => renewal.run(now + LEASE_MS, id, holder).changes === 1),
    append: (id, { version, private: isPrivate, from, system, messages, trims }) =>
      alone((now) => {
        if (advance.run(now, Number(isPrivate), id, version, holder).changes === 0) return false;
        if (system !== undefined) {
          removeSystem.run(id);
          for (const [index, message] of system.entries()) {
            insertMessage.run(id, index - system.length, JSON.stringify(message));
          }
        }
        removeFrom.run(id, from);
        for (const [index, message] of messages.entries()) {
          insertMessage.run(id, from + index, JSON.stringify(message));
        }
        removeTrims.run(id);
        for (const [contextTokens, first] of trims) insertTrim.run(id, contextTokens, first);
        return true;
      }),
    release: (id) =>
      alone(() => {
        end.run(id, holder);
        removeUnused.run(id);
      }),
  };
}

/** A lease that ends later than one begun now was written before the clock was set back. */
function isHeld({ holder, holder_until: until }: Row, now: number): boolean {
  return holder !== null && until !== null && now < until && until <= now + LEASE_MS;
}
