import type { Clock } from '../core/clock.ts';
import type { TaskCategory } from '../core/task.ts';
import type { RecordedAttempt } from '../ledger/ledger.ts';
import {
  isOfSide,
  type Assignment,
  type Description,
  type RouteRequest,
} from '../routing/decision.ts';
import type { RolledRequest, RolloutFace } from '../routing/walk/rollout.ts';
import { isCompared, isServed, placeOf } from './buckets.ts';
import { createComparer, sideOutcome, type Grade } from './compare.ts';
import { createFollower, type Followed } from './follow.ts';
import { isFailure, type Observation, type SideOutcome } from './observation.ts';
import { stepOf, type Plan } from './plan.ts';
import { isEnded, serveOf, stepAt } from './state.ts';
import type { RolloutStore } from './store.ts';
import { createWatch, type RolloutNews } from './watch.ts';

/** The rollout in a process that answers requests. */
export interface LiveRollout extends RolloutFace {
  /** Cancels the comparisons that run and begins no more; requests are followed on. */
  stop(): Promise<void>;
  /** Writes what was observed, and judges it once more. After `stop`. */
  close(): Promise<void>;
}

export interface LiveRolloutOptions {
  store: RolloutStore;
  grade: Grade;
  clock: Clock;
  /** Whether every prompt is private. */
  allPrivate: boolean;
  /** Whether the process lives long enough to watch, and to ask beside. */
  lasting: boolean;
  onNews: (news: RolloutNews) => void;
  onTrouble: (error: unknown) => void;
}

/** In a cautious rollout: failures of the candidate in a row, and milliseconds that it is left alone after them. */
const CAUTION = { failures: 2, ms: 60_000 };

export function openRollout(options: LiveRolloutOptions): LiveRollout {
  const { store, grade, clock, allPrivate, lasting, onNews, onTrouble } = options;
  const follower = createFollower({ store, clock, onTrouble });
  const watch = createWatch({ store, follower, clock, onNews, onTrouble });
  const comparer = createComparer({ grade, clock, onDone: (it) => watch.observe(it), onTrouble });
  const stopped = new AbortController();
  const watching = lasting ? watch.run(stopped.signal) : Promise.resolve();
  let failedInARow = 0;
  let leftAloneUntil = -Infinity;

  function assign(
    request: RouteRequest,
    { category }: Description,
    requestId: string,
  ): Assignment | undefined {
    // What may not leave the machine is no part of a move between machines.
    if (request.private === true || allPrivate) return undefined;
    const followed = follower.now();
    if (followed === undefined) return undefined;
    return assignmentOf(followed, { ...request, category }, requestId, {
      isLeftAlone: clock.monotonic() < leftAloneUntil,
      mayCompare: lasting,
    });
  }

  function noteCandidate(side: SideOutcome | undefined): void {
    const failed = side === undefined ? undefined : isFailure(side);
    if (failed === undefined) return;
    failedInARow = failed ? failedInARow + 1 : 0;
    if (failedInARow >= CAUTION.failures) leftAloneUntil = clock.monotonic() + CAUTION.ms;
  }

  function ended(rolled: RolledRequest): void {
    const { rollout } = rolled.decision;
    const current = follower.now()?.rollout;
    // What is over is not watched any more.
    if (current === undefined || isEnded(current.state)) return;
    const observation = observationOf(rolled, clock.now());
    noteCandidate(observation.candidate);
    const { completion } = rolled;
    const own = observation[rollout.arm];
    const answered = own !== undefined && isFailure(own) === false;
    const rung = rolled.decision.ladder.find((it) => isOfSide(it, rollout.other));
    if (!rollout.compare || !answered || completion === undefined || rung === undefined) {
      watch.observe(observation);
      return;
    }
    const limits = current.plan.shadow;
    if (!comparer.offer({ rolled, completion, rung, limits, observation })) {
      watch.observe({ ...observation, compared: 'busy' });
    }
  }

  return {
    assign,
    ended,
    stop: () => comparer.stop(),
    async close() {
      stopped.abort();
      await watching;
      follower.refresh();
      watch.tick();
    },
  };
}

/** Where a request goes. Pure. */
export function assignmentOf(
  { rollout, isSound }: Followed,
  request: { session?: string; agent?: string; category: TaskCategory },
  requestId: string,
  { isLeftAlone, mayCompare }: { isLeftAlone: boolean; mayCompare: boolean },
): Assignment | undefined {
  const { id, plan, salt, state, stage } = rollout;
  if (state.state === 'draft' || state.state === 'aborted') return undefined;
  const only = state.state === 'rolled_back' && state.complete && isSound;
  if (!only && !isInScope(plan, request)) return undefined;
  const { unit, bucket } = placeOf(salt, request.session ?? requestId);
  const isOver = state.state === 'rolled_back' || state.state === 'completed';
  const serve = isSound ? serveOf(state) : 0;
  const isAlone = isLeftAlone && 'at' in state && state.at.cautious;
  const arm = isServed(bucket, serve) && !isAlone ? 'candidate' : 'reference';
  const { candidate, reference } = plan;
  const { compare } = stepOf(plan, stepAt(plan, serve));
  return {
    rollout: id,
    stage: stage.seq,
    unit,
    bucket,
    serve,
    arm,
    to: arm === 'candidate' ? candidate : reference,
    other: arm === 'candidate' ? reference : candidate,
    compare: mayCompare && isSound && !isOver && isCompared(bucket, compare),
    only,
  };
}

function isInScope(
  { scope: { categories, agents } }: Plan,
  { agent = '', category }: { agent?: string; category: TaskCategory },
): boolean {
  return (
    (agents === undefined || agents.includes(agent)) &&
    (categories === undefined || categories.includes(category))
  );
}

function observationOf({ requestId, decision, attempts }: RolledRequest, at: number): Observation {
  const { rollout, description } = decision;
  const { rollout: id, stage, unit, arm, to, other } = rollout;
  const own = outcomeOfSide(attempts, to, true);
  const beside = outcomeOfSide(attempts, other, false);
  const [candidate, reference] = arm === 'candidate' ? [own, beside] : [beside, own];
  return {
    rollout: id,
    stage,
    at,
    requestId,
    unit,
    arm,
    category: description.category,
    compared: 'no',
    ...(candidate === undefined ? {} : { candidate }),
    ...(reference === undefined ? {} : { reference }),
    grading: { state: 'none' },
  };
}

/** @param wasDue the side was to answer: where others were asked in its place, it was not fit to */
function outcomeOfSide(
  attempts: readonly RecordedAttempt[],
  side: string,
  wasDue: boolean,
): SideOutcome | undefined {
  const own = attempts.filter(({ tier, target }) => tier === side || target === side);
  const last = own.at(-1);
  if (last !== undefined) return sideOutcome(own, last.outcome);
  return wasDue && attempts.length > 0 ? { outcome: 'passed-over', ms: 0 } : undefined;
}
