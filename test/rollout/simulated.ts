import { seededIndex, type RandomIndex } from '../../src/core/random.ts';
import { assess, type Verdict } from '../../src/rollout/assess.ts';
import { isServed } from '../../src/rollout/buckets.ts';
import type { Observation } from '../../src/rollout/observation.ts';
import { planSchema, type Plan } from '../../src/rollout/plan.ts';
import {
  stepAt,
  transition,
  type RolloutEvent,
  type RolloutState,
} from '../../src/rollout/state.ts';
import { createTallyBook, type Tallies, type TallyBook } from '../../src/rollout/tallies.ts';
import { eventFor } from '../../src/rollout/watch.ts';

/** What is true of both sides of a simulated rollout. */
export interface World {
  /** Candidate's mean score over the reference's. */
  ratio: number;
  /** Share of the candidate's calls that fail. */
  errors: number;
  /** Factor on the candidate's time. */
  slower: number;
}

export const HEALTHY = { errors: 0.005, slower: 1 };

/** The plan's ladder, with everything compared and no waiting for days. */
export const SIMULATED_PLAN: Plan = planSchema.parse({
  steps: [
    { name: 'shadow', serve: 0, compare: 100, pairs: 100, requests: 100, days: 0 },
    { name: 'A/B', serve: 50, compare: 100, pairs: 100, requests: 100, days: 0 },
    { name: 'primary', serve: 80, compare: 100, pairs: 100, requests: 100, days: 0 },
    { name: 'independent', serve: 99, compare: 100, pairs: 100, requests: 100, days: 0 },
  ],
  advance: 'auto',
});

/** Share of requests that the reference solves, and of those where both meet the same luck. */
const SOLVED = 0.8;
const SHARED = 0.6;
const MILLION = 1_000_000;
const MINUTE_MS = 60_000;

/** One request after the other, each answered and graded on both sides. */
export function createRequests(
  world: World,
  random: RandomIndex,
): (place: Pick<Observation, 'rollout' | 'stage' | 'at'> & { serve: number }) => Observation {
  const chance = (share: number): boolean => random(MILLION) < share * MILLION;
  const solvedScore = (): number => 6 + random(5);
  const msOf = (): number => 500 + 100 * random(20) + (chance(0.02) ? 2000 : 0);
  let number = 0;

  function candidateSolves(referenceSolved: boolean): boolean {
    if (!chance(SHARED)) return chance(world.ratio * SOLVED);
    if (world.ratio <= 1) return referenceSolved && chance(world.ratio);
    return referenceSolved || chance(((world.ratio - 1) * SOLVED) / (1 - SOLVED));
  }

  return ({ serve, ...place }) => {
    const isSolved = chance(SOLVED);
    const failed = chance(world.errors);
    const scores = {
      reference: isSolved ? solvedScore() : 0,
      candidate: candidateSolves(isSolved) ? solvedScore() : 0,
    };
    const ms = msOf();
    return {
      ...place,
      requestId: `q${(number += 1)}`,
      unit: number,
      arm: isServed(random(10_000), serve) ? 'candidate' : 'reference',
      category: 'test-generation',
      compared: 'done',
      candidate: { outcome: failed ? 'overloaded' : 'ok', ms: ms * world.slower, usd: 0 },
      reference: { outcome: 'ok', ms: msOf(), usd: 0.01 },
      grading: failed ? { state: 'none' } : { state: 'scored', ...scores },
    };
  };
}

/** Reaches a verdict on what is known so far. */
export type Rule = (
  plan: Plan,
  at: { serve: number; cautious: boolean },
  tallies: Tallies,
  time: { now: number; stageAt: number },
) => Verdict;

export const BY_BETTING: Rule = (...known) => assess(...known).verdict;

/**
 * The control: a t-test on the same differences at each look, one-sided 95 %, as is done where nobody
 * minds that looking again and again is testing again and again.
 */
export const BY_PEEKING: Rule = (plan, { serve }, { stage }) => {
  const limit = 1 - plan.quality.margin;
  let n = 0;
  let sum = 0;
  let squares = 0;
  for (const { candidate, reference, count } of stage.pairs) {
    const difference = candidate - limit * reference;
    n += count;
    sum += count * difference;
    squares += count * difference ** 2;
  }
  if (n < plan.minimum) return { state: 'hold' };
  const variance = (squares - sum ** 2 / n) / (n - 1);
  const t = sum / Math.sqrt(n * variance);
  if (t < -1.645) return { state: 'roll-back', guardrail: 'quality', hard: false, why: 't-test' };
  const { pairs } = plan.steps[stepAt(plan, serve)] ?? { pairs: 0 };
  return n >= pairs && t > 1.645 ? { state: 'advance' } : { state: 'hold' };
};

export interface Outcome {
  /** `undecided` when the requests of a stage ran out. */
  end: 'completed' | 'rolled back' | 'undecided';
  /** Steps that it went up. */
  advances: number;
  /** Times that it went down. */
  steppedDown: number;
  requests: number;
  /** Of them, those that the candidate answered for a user. */
  served: number;
}

/** One rollout from its start to its end: a person resumes it at once after each step down. */
export function simulateRollout(options: {
  plan: Plan;
  world: World;
  rule: Rule;
  seed: number;
  /** Requests between two looks, and most requests of a stage. */
  every: number;
  most: number;
}): Outcome {
  const { plan, world, rule, every, most } = options;
  const next = createRequests(world, seededIndex(options.seed));
  const outcome: Outcome = {
    end: 'undecided',
    advances: 0,
    steppedDown: 0,
    requests: 0,
    served: 0,
  };
  let now = 1_800_000_000_000;
  let stage = 1;
  let stageAt = now;
  // In an object: what a function below puts there is not followed in a variable.
  const here: { state: RolloutState } = { state: { state: 'draft' } };
  let book: TallyBook = createTallyBook({ plan, stageAt, baseline: [] });
  const baseline: number[] = [];

  function happen(event: RolloutEvent): void {
    const moved = transition(here.state, event, plan, 'simulated');
    if ('refused' in moved) throw new Error(moved.refused);
    here.state = moved.next;
    if (event.type === 'resumed') return;
    stage += 1;
    stageAt = now;
    book = createTallyBook({ plan, stageAt, baseline });
  }

  happen({ type: 'started' });
  for (;;) {
    const { state } = here;
    if (state.state === 'completed') return { ...outcome, end: 'completed' };
    if (!('at' in state)) return { ...outcome, end: 'rolled back' };
    const { at } = state;
    let event: RolloutEvent | undefined;
    for (let request = 1; event === undefined; request += 1) {
      if (request > most) return outcome;
      now += MINUTE_MS;
      const observation = next({ rollout: 'r', stage, at: now, serve: at.serve });
      book.add(observation);
      if (baseline.length < 50 && observation.reference) baseline.push(observation.reference.ms);
      outcome.requests += 1;
      if (observation.arm === 'candidate') outcome.served += 1;
      if (request % every !== 0) continue;
      const verdict = rule(plan, at, book.tallies(), { now, stageAt });
      event = eventFor({ state, plan }, verdict);
    }
    if (event.type === 'advanced') outcome.advances += 1;
    happen(event);
    if (event.type === 'stepped-down') {
      outcome.steppedDown += 1;
      happen({ type: 'resumed' });
    }
  }
}
