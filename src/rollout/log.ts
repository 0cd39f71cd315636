import { createHash } from 'node:crypto';
import { transition, type RolloutEvent, type RolloutState } from './state.ts';
import type { Plan } from './plan.ts';

/** What happened to a rollout. */
export interface LogEntry {
  /** From 1, over all rollouts of a state folder. */
  seq: number;
  rollout: string;
  /** Milliseconds since the Unix epoch; never before the entry before. */
  at: number;
  /** `operator:<name>`, or `guardrail`. */
  actor: string;
  event: RolloutEvent;
  reason: string;
  /** The figures that it was decided on. */
  evidence: unknown;
}

/** An entry as it is kept. */
export interface ChainedEntry {
  seq: number;
  entry: LogEntry;
  /** The entry as JSON. */
  text: string;
  /** Hash of the entry before; of none, `GENESIS`. */
  previous: string;
  hash: string;
}

export const GENESIS = '0'.repeat(64);

/** SHA-256 of the hash before, a line break, and the entry's text. */
export function hashOf(previous: string, text: string): string {
  return createHash('sha256').update(`${previous}\n${text}`).digest('hex');
}

export type Verification =
  | { state: 'intact'; entries: number; head: string }
  /**
   * @property problem in a sentence that names the first entry that is not as it was written
   * @property sound entries before it
   */
  | { state: 'broken'; problem: string; sound: number };

/**
 * Whether a log is as it was written.
 * @param head the newest entry's number and hash, kept apart from the entries
 */
export function verifyLog(
  entries: readonly ChainedEntry[],
  head: { seq: number; hash: string },
): Verification {
  let previous = GENESIS;
  for (const [index, { seq, entry, text, ...chained }] of entries.entries()) {
    const broken = (what: string): Verification => ({
      state: 'broken',
      problem: `Entry ${seq} ${what}.`,
      sound: index,
    });
    if (seq !== index + 1) return broken(`stands where entry ${index + 1} was: one is missing`);
    if (entry.seq !== seq) return broken(`says that it is entry ${entry.seq}`);
    if (chained.previous !== previous) return broken('does not follow from the entry before');
    if (chained.hash !== hashOf(previous, text)) return broken('was changed');
    previous = chained.hash;
  }
  if (head.seq !== entries.length || head.hash !== previous) {
    const problem = `The log ended with entry ${head.seq}; its end is missing or was changed.`;
    return { state: 'broken', problem, sound: entries.length };
  }
  return { state: 'intact', entries: entries.length, head: previous };
}

/** A rollout as its entries tell it. */
export interface Rollout {
  id: string;
  plan: Plan;
  salt: string;
  state: RolloutState;
  createdAt: number;
  /** Number and time of the entry that brought it to its present share: evidence counts from there. */
  stage: { seq: number; at: number };
  /** Of its newest entry. */
  last: LogEntry;
}

/** Events that begin to count evidence anew. */
const BEGINS_STAGE: ReadonlySet<RolloutEvent['type']> = new Set([
  'created',
  'started',
  'advanced',
  'stepped-down',
  'rolled-back',
]);

/**
 * The newest rollout of a log; `undefined` for an empty one.
 * @throws Error for entries that could never follow each other
 */
export function foldLog(entries: readonly LogEntry[]): Rollout | undefined {
  let rollout: Rollout | undefined;
  for (const entry of entries) rollout = follow(rollout, entry);
  return rollout;
}

function follow(before: Rollout | undefined, entry: LogEntry): Rollout {
  const { event, seq, at, reason } = entry;
  if (event.type === 'created') {
    return {
      id: entry.rollout,
      plan: event.plan,
      salt: event.salt,
      state: { state: 'draft' },
      createdAt: at,
      stage: { seq, at },
      last: entry,
    };
  }
  if (before === undefined || before.id !== entry.rollout) {
    throw new Error(`Entry ${seq} belongs to no rollout.`);
  }
  const moved = transition(before.state, event, before.plan, reason);
  if ('refused' in moved) throw new Error(`Entry ${seq} could not be: ${moved.refused}`);
  return {
    ...before,
    state: moved.next,
    stage: BEGINS_STAGE.has(event.type) ? { seq, at } : before.stage,
    last: entry,
  };
}
