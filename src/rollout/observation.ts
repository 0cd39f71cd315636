import type { TaskCategory } from '../core/task.ts';

/** Whose answer the caller gets. */
export type Arm = 'candidate' | 'reference';

/** What became of one side of a request. */
export interface SideOutcome {
  /** `ok`, or the class of its failure. */
  outcome: string;
  /** Milliseconds that its attempts took. */
  ms: number;
  /** US dollars; absent where no price is known. */
  usd?: number;
}

export type Grading =
  /** Only one side answered. */
  | { state: 'none' }
  /** Scores from 0 to 10, of the same request. */
  | { state: 'scored'; candidate: number; reference: number }
  /** Nobody can tell by running them. */
  | { state: 'unknown' }
  /** The grader failed: no fault of either side. */
  | { state: 'errored' };

/** A request that took part in a rollout, once it is over. */
export interface Observation {
  rollout: string;
  /** Number of the log entry that began the stage. */
  stage: number;
  /** When it was over, in milliseconds since the Unix epoch. */
  at: number;
  requestId: string;
  /** See buckets.ts. */
  unit: number;
  arm: Arm;
  category: TaskCategory;
  /** Whether the other side was asked as well; `busy` where it was not for want of room. */
  compared: 'no' | 'busy' | 'done';
  /** Absent where it was not asked. */
  candidate?: SideOutcome;
  reference?: SideOutcome;
  grading: Grading;
}

/** No fault of whoever was asked. */
const NEUTRAL: ReadonlySet<string> = new Set(['cancelled', 'bad-request']);

/** Whether a side failed; `undefined` where its outcome says nothing of it. */
export function isFailure({ outcome }: SideOutcome): boolean | undefined {
  if (outcome === 'ok') return false;
  return NEUTRAL.has(outcome) ? undefined : true;
}
