import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { Rollout } from './log.ts';
import { readLog } from './read.ts';
import type { RolloutStore } from './store.ts';

/** The rollout of a state folder as a process knows it. */
export interface Followed {
  rollout: Rollout;
  /** False once the log was found edited: this is how it was before. */
  isSound: boolean;
}

/** Keeps up with what other processes do to the rollout. */
export interface Follower {
  /** As of at most `FRESH_MS` ago; `undefined` where there is none, or none that can be trusted. */
  now(): Followed | undefined;
  /** Reads again with the next call, whatever the time. */
  refresh(): void;
}

export interface FollowerOptions {
  store: Pick<RolloutStore, 'log' | 'head'>;
  clock: Pick<Clock, 'monotonic'>;
  onTrouble: (error: unknown) => void;
}

/** Milliseconds within which every process hears of a change. */
export const FRESH_MS = 250;
/** Milliseconds within which every process finds an edited log, whose end is as it was. */
export const VERIFY_MS = 5000;

export function createFollower({ store, clock, onTrouble }: FollowerOptions): Follower {
  let followed: Followed | undefined;
  let seen: { seq: number; hash: string } | undefined;
  let readAt = -Infinity;
  let verifiedAt = -Infinity;
  let told = '';

  function read(at: number): void {
    const head = store.head();
    const isSame = seen?.seq === head.seq && seen.hash === head.hash;
    if (isSame && at - verifiedAt < VERIFY_MS) return;
    const log = readLog(store);
    seen = head;
    verifiedAt = at;
    const problem = log.state === 'broken' ? log.problem : '';
    if (problem !== told && problem !== '') {
      onTrouble(
        `The rollout's log was edited; the candidate gets nothing until it is whole: ${problem}`,
      );
    }
    told = problem;
    if (log.state === 'intact') followed = { rollout: log.rollout, isSound: true };
    else if (log.state === 'empty') followed = undefined;
    else {
      const rollout = followed?.rollout ?? log.rollout;
      followed = rollout === undefined ? undefined : { rollout, isSound: false };
    }
  }

  return {
    now() {
      const at = clock.monotonic();
      if (at - readAt >= FRESH_MS) {
        readAt = at;
        try {
          read(at);
        } catch (error) {
          // What was known goes on; it is read again soon.
          onTrouble(messageOf(error));
        }
      }
      return followed;
    },
    refresh() {
      readAt = -Infinity;
    },
  };
}
