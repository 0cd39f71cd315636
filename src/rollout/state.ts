import type { Plan } from './plan.ts';

/** How much goes to the candidate. */
export interface Position {
  /** Per cent of units. */
  serve: number;
  /** After a partial rollback: the candidate is left alone after fewer failures. */
  cautious: boolean;
}

/**
 * Where a rollout is. A paused one keeps its position and is watched on; in a completed one the
 * candidate keeps its share; in one that was rolled back everything in scope goes to the reference.
 */
export type RolloutState =
  | { state: 'draft' }
  | { state: 'shadow'; at: Position }
  | { state: 'canary'; at: Position }
  | { state: 'paused'; at: Position; why: string }
  | { state: 'completed'; at: Position }
  /** `complete`: what is out of scope goes to the reference as well, and local targets to nobody. */
  | { state: 'rolled_back'; complete: boolean; why: string }
  | { state: 'aborted'; why: string };
export type StateName = RolloutState['state'];

export type RolloutEvent =
  | { type: 'created'; plan: Plan; salt: string }
  | { type: 'started' }
  | { type: 'advanced' }
  | { type: 'paused' }
  | { type: 'resumed' }
  /** To a smaller share, and paused there. */
  | { type: 'stepped-down'; serve: number; cautious: boolean }
  | { type: 'rolled-back'; complete: boolean }
  | { type: 'aborted' }
  /** The machine's clock was set: nothing changes. */
  | { type: 'clock-jumped'; driftMs: number };

/** @property refused why the event may not happen, in a sentence */
export type Transition = { next: RolloutState } | { refused: string };

/** States that a rollout does not leave by itself; another one may begin. */
const ENDED: ReadonlySet<StateName> = new Set(['completed', 'rolled_back', 'aborted']);

export function isEnded({ state }: RolloutState): boolean {
  return ENDED.has(state);
}

/** The share that the candidate has; 0 where it has none. */
export function serveOf(state: RolloutState): number {
  return 'at' in state ? state.at.serve : 0;
}

/** The last step of the plan that a share has reached. */
export function stepAt(plan: Plan, serve: number): number {
  return Math.max(
    0,
    plan.steps.findLastIndex((step) => step.serve <= serve),
  );
}

/**
 * What an event makes of a state. Pure: whether there is evidence for it is judged elsewhere.
 * @param why what is said of the event
 */
export function transition(
  state: RolloutState | undefined,
  event: RolloutEvent,
  plan: Plan,
  why: string,
): Transition {
  if (event.type === 'created') {
    return state === undefined ? { next: { state: 'draft' } } : refuse(state, 'created');
  }
  if (state === undefined) return { refused: 'There is no rollout.' };
  switch (event.type) {
    case 'started':
      if (state.state !== 'draft') return refuse(state, 'started');
      return { next: runningAt({ serve: stepServe(plan, 0), cautious: false }) };
    case 'advanced':
      return advance(state, plan);
    case 'paused':
      if (state.state !== 'shadow' && state.state !== 'canary') return refuse(state, 'paused');
      return { next: { state: 'paused', at: state.at, why } };
    case 'resumed':
      if (state.state !== 'paused') return refuse(state, 'resumed');
      return { next: runningAt(state.at) };
    case 'stepped-down':
      return stepDown(state, event, why);
    case 'rolled-back':
      if (state.state === 'draft' || state.state === 'aborted') return refuse(state, 'rolled back');
      if (state.state === 'rolled_back' && state.complete === event.complete) {
        return refuse(state, 'rolled back again');
      }
      return { next: { state: 'rolled_back', complete: event.complete, why } };
    case 'aborted':
      if (state.state === 'aborted') return refuse(state, 'aborted again');
      return { next: { state: 'aborted', why } };
    case 'clock-jumped':
      return { next: state };
  }
}

function advance(state: RolloutState, plan: Plan): Transition {
  if (state.state !== 'shadow' && state.state !== 'canary') return refuse(state, 'advanced');
  const next = plan.steps[stepAt(plan, state.at.serve) + 1];
  if (next === undefined) return { next: { state: 'completed', at: state.at } };
  return { next: { state: 'canary', at: { serve: next.serve, cautious: false } } };
}

function stepDown(
  state: RolloutState,
  { serve, cautious }: { serve: number; cautious: boolean },
  why: string,
): Transition {
  if (!('at' in state)) return refuse(state, 'stepped down');
  if (serve < 0 || serve >= state.at.serve) {
    return { refused: `The candidate has ${state.at.serve} %: that is no way down to ${serve} %.` };
  }
  return { next: { state: 'paused', at: { serve, cautious }, why } };
}

function runningAt(at: Position): RolloutState {
  return { state: at.serve === 0 ? 'shadow' : 'canary', at };
}

function stepServe(plan: Plan, index: number): number {
  return plan.steps[index]?.serve ?? 0;
}

function refuse({ state }: RolloutState, what: string): Transition {
  const names: Record<StateName, string> = {
    draft: 'is a draft',
    shadow: 'is in the shadow',
    canary: 'is under way',
    paused: 'is paused',
    completed: 'is completed',
    rolled_back: 'was rolled back',
    aborted: 'was aborted',
  };
  return { refused: `The rollout ${names[state]}; it cannot be ${what}.` };
}
