import type { Clock } from '../core/clock.ts';
import { AppError, ExitCode } from '../core/errors.ts';
import type { Completion, Message } from '../core/request.ts';
import { createTurnstile, type Turnstile } from '../providers/embedded/turnstile.ts';
import type { Database } from '../storage/database.ts';
import { keepLease } from './sessions/lease.ts';
import { createSessionStore, type StoredSession } from './sessions/store.ts';
import { trimPrompt, type PromptWindow, type TrimmedPrompt } from './sessions/trim.ts';
import { continuationOf } from './sessions/turns.ts';

export type { PromptWindow } from './sessions/trim.ts';

/** What is sent for a turn. */
export interface SessionPrompt {
  messages: readonly Message[];
  /** Messages of the conversation that are not among them, because the window does not hold all. */
  dropped: number;
}

/** A session that nobody else writes to until it is released. */
export interface SessionTurn {
  readonly id: string;
  /** Whether a turn of it was private: then all that goes on with it is. */
  readonly private: boolean;
  /** All that was said so far, system messages first. */
  readonly history: readonly Message[];
  /**
   * The prompt for new messages. What earlier turns sent is sent again byte for byte, from the same
   * beginning, as long as it fits the window; see trim.ts for what happens then. Messages that
   * repeat the conversation and go on with it are taken as what goes on; see turns.ts. A system
   * message other than the session's takes its place.
   */
  prompt(messages: readonly Message[], window: PromptWindow): Promise<SessionPrompt>;
  /**
   * Writes the turn: the new messages, as they were given to `prompt`, and the whole answer. An
   * answer without a word or a call adds nothing: there are models that refuse to go on from one.
   * @param isPrivate whether the turn was private
   * @throws AppError `route.session-conflict` when somebody else wrote meanwhile, `storage.*`
   */
  commit(messages: readonly Message[], answer: Completion, isPrivate?: boolean): void;
  /** Lets the next one in. Without a commit the session stays as it was. Never throws; safe to call twice. */
  release(): void;
}

/** Conversations in the database of a state folder, shared by all its processes. */
export interface Sessions {
  /**
   * Waits until nobody else holds the session, in the order of coming within a process. Unknown
   * and expired sessions begin empty.
   * @throws AppError `route.session-busy` after the longest wait, `storage.*`; the signal's reason
   */
  open(id: string, signal?: AbortSignal): Promise<SessionTurn>;
}

export interface SessionsOptions {
  database: Database;
  clock: Clock;
  /** Hours that an idle session is kept. */
  sessionHours: number;
  /** Tells this object from every other one on the database, in other processes too. */
  holder: string;
}

/** Milliseconds that a caller waits for those before him. */
const LONGEST_WAIT_MS = 60_000;
/** Milliseconds between two looks at a session that another process holds. */
const LOOK_MS = 25;

export function createSessions(options: SessionsOptions): Sessions {
  const { database, clock, sessionHours, holder } = options;
  const store = createSessionStore({ database, clock, ttlMs: sessionHours * 3_600_000, holder });
  const queues = new Map<string, { turnstile: Turnstile; users: number }>();

  /** In this process one at a time, in order; the signal ends the wait. */
  async function queueUp(id: string, signal: AbortSignal): Promise<() => void> {
    const queue = queues.get(id) ?? { turnstile: createTurnstile(), users: 0 };
    queues.set(id, queue);
    queue.users += 1;
    const leaveQueue = (): void => {
      queue.users -= 1;
      if (queue.users === 0) queues.delete(id);
    };
    try {
      const leave = await queue.turnstile.enter(signal);
      return () => {
        leave();
        leaveQueue();
      };
    } catch (error) {
      leaveQueue();
      throw error;
    }
  }

  /** Among all processes one at a time, in no order. */
  async function claim(id: string, signal: AbortSignal): Promise<StoredSession> {
    while (true) {
      signal.throwIfAborted();
      const session = store.claim(id);
      if (session !== undefined) return session;
      await clock.sleep(LOOK_MS, signal);
    }
  }

  async function enter(
    id: string,
    signal: AbortSignal,
  ): Promise<{ session: StoredSession; leave: () => void }> {
    const leave = await queueUp(id, signal);
    try {
      return { session: await claim(id, signal), leave };
    } catch (error) {
      leave();
      throw error;
    }
  }

  function turnOf(id: string, session: StoredSession, leave: () => void): SessionTurn {
    const released = new AbortController();
    const trims = new Map(session.trims);
    void keepLease(store, id, { clock, ended: released.signal });
    return {
      id,
      private: session.private,
      history: [...session.system, ...session.messages],
      async prompt(messages, window) {
        const { system, kept, rest } = continuationOf(session, messages);
        const began = trims.get(window.contextTokens ?? Infinity) ?? 0;
        const trimmed: TrimmedPrompt = await trimPrompt({
          system,
          messages: [...session.messages.slice(0, kept), ...rest],
          first: began <= kept ? began : 0,
          window,
        });
        if (window.contextTokens !== undefined && trimmed.first > 0) {
          trims.set(window.contextTokens, trimmed.first);
        }
        return { messages: trimmed.messages, dropped: trimmed.first };
      },
      commit(messages, answer, isPrivate = false) {
        if (answer.text === '' && answer.toolCalls === undefined) return;
        const { system, kept, rest } = continuationOf(session, messages);
        const written = store.append(id, {
          version: session.version,
          private: isPrivate,
          from: kept,
          system: system === session.system ? undefined : system,
          messages: [...rest, messageOfAnswer(answer)],
          trims: [...trims].filter(([, first]) => first <= kept),
        });
        if (!written) throw conflict(id);
      },
      release() {
        if (released.signal.aborted) return;
        released.abort();
        try {
          store.release(id);
        } catch {
          // The turn's fate is settled, and a lease that nobody ends runs out.
        }
        leave();
      },
    };
  }

  return {
    async open(id, signal) {
      const waited = new AbortController();
      const opened = new AbortController();
      void clock.sleep(LONGEST_WAIT_MS, opened.signal).then(
        () => waited.abort(),
        () => {},
      );
      const ends = signal === undefined ? waited.signal : AbortSignal.any([signal, waited.signal]);
      try {
        const { session, leave } = await enter(id, ends);
        return turnOf(id, session, leave);
      } catch (error) {
        signal?.throwIfAborted();
        throw waited.signal.aborted ? busy(id) : error;
      } finally {
        opened.abort();
      }
    },
  };
}

function messageOfAnswer({ text, toolCalls }: Completion): Message {
  return { role: 'assistant', content: text, ...(toolCalls === undefined ? {} : { toolCalls }) };
}

function busy(id: string): AppError {
  return new AppError('route.session-busy', `Session ${id} is held by another request.`, {
    hint: 'Wait for its answer: the turns of a session come one after the other. Independent requests need sessions of their own.',
    exitCode: ExitCode.LockConflict,
  });
}

function conflict(id: string): AppError {
  return new AppError(
    'route.session-conflict',
    `Another request wrote to session ${id} meanwhile; this turn was not added.`,
    {
      hint: 'Ask again: the session goes on from what is there now.',
      exitCode: ExitCode.LockConflict,
    },
  );
}
