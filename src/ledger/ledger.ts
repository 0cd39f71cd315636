import type { Usage } from '../core/request.ts';
import type { Complexity, Priority, TaskCategory } from '../core/task.ts';

export interface NewRequest {
  id: string;
  /** When it came, in milliseconds since the Unix epoch. */
  at: number;
  source: string;
  session?: string;
  agent?: string;
  priority: Priority;
  private: boolean;
  category: TaskCategory;
  complexity: Complexity;
  /** Of the messages as JSON: the prompt itself is not kept. */
  promptSha256: string;
  promptTokensEstimate: number;
  policy: string;
  tier: string;
  target: string;
  /** The whole decision. */
  decision: unknown;
}

/** What an attempt was made for. */
export const PURPOSES = [
  /** The first that went out for a request. */
  'answer',
  /** A further one: the one before failed, was late, or was not waited for. */
  'retry',
  /** Beside the answer, to be compared with it. */
  'shadow',
  /** To make an answer better. */
  'refinement',
  'embedding',
  'baseline',
] as const;
export type Purpose = (typeof PURPOSES)[number];

export interface RecordedAttempt {
  /** When it went out, in milliseconds since the Unix epoch. */
  at: number;
  purpose: Purpose;
  tier: string;
  /** `<provider>:<model>`. */
  target: string;
  /** Whether it ran on a machine of one's own: no invoice comes from there. */
  selfHosted: boolean;
  /** Whether it waited in a provider's batch. */
  batch: boolean;
  /** `ok` or a failure class. */
  outcome: string;
  usage?: Usage;
  ttftMs?: number;
  totalMs: number;
  /** To a billionth. Absent where no price is known or no tokens were reported; 0 where no invoice comes from. */
  usd?: number;
  /** What it was priced by. Absent where `usd` is. */
  priceVersion?: string;
}

/** An attempt for no request, as one that embeds a text. */
export interface LoneAttempt extends RecordedAttempt {
  /** Its own, and no request's. */
  id: string;
  agent?: string;
  session?: string;
  category?: TaskCategory;
  /** Equal where several were asked the same. */
  pair?: string;
}

export const REQUEST_STATES = [
  'running',
  'answered',
  'failed',
  'cancelled',
  'interrupted',
] as const;
export type RequestState = (typeof REQUEST_STATES)[number];

export interface Ending {
  state: Exclude<RequestState, 'running' | 'interrupted'>;
  answeredTier?: string;
  answeredTarget?: string;
  failure?: string;
  ttftMs?: number;
  totalMs: number;
  /** Milliseconds of `totalMs` that no target was at work. */
  overheadMs: number;
}

export interface RecordedRequest extends NewRequest {
  state: RequestState;
  /** Absent while it runs, and of one that was interrupted. */
  ending?: Ending;
  /** In the order of their numbers. */
  attempts: RecordedAttempt[];
  /** Tokens that the attempts reported, all together. Absent while it runs. */
  usage?: Pick<Usage, 'inputTokens' | 'outputTokens'>;
  /** Of all attempts; absent while it runs, and where one of them has no known price. */
  usd?: number;
}

export interface RouteEventRecord {
  at: number;
  /** As `emergency` or `breaker`. */
  kind: string;
  requestId?: string;
  detail: unknown;
}

export interface HistoryFilter {
  /** Milliseconds since the Unix epoch; what began then is part of it. */
  since?: number;
  /** What began then is not part of it any more. */
  until?: number;
  states?: readonly RequestState[];
  /** The tier chosen or the one that answered. */
  tier?: string;
  /** The target chosen or the one that answered. */
  target?: string;
  policy?: string;
  category?: string;
  session?: string;
  agent?: string;
  source?: string;
  /** At most so many, the newest first. */
  limit: number;
}

/**
 * What was asked, decided, tried and paid. Several processes may write at once. What a method has
 * written when it returns outlives the process. Each throws AppError `storage.locked`,
 * `storage.read-only`, `storage.full` or `storage.unusable`.
 */
export interface Ledger {
  /** Before anything is sent. */
  begin(request: NewRequest): void;
  /**
   * An attempt that did not end its request; `number` counts from 0 within the request. One that
   * ends after its request is added to what the request cost. The same again changes nothing.
   * @throws Error where another one has the number, or the request never began
   */
  attempt(requestId: string, number: number, attempt: RecordedAttempt): void;
  /** The same again changes nothing. @throws Error where another one has the id */
  alone(attempt: LoneAttempt): void;
  /**
   * Ends a request with the attempts that were not written yet, whole or not at all.
   * @throws Error for a request that never began or has ended already
   */
  end(
    requestId: string,
    ending: Ending,
    attempts: readonly (RecordedAttempt & { number: number })[],
  ): void;
  event(event: RouteEventRecord): void;
  /** The request of that id, or the only one whose id begins so. */
  find(id: string): RecordedRequest | undefined;
  history(filter: HistoryFilter): RecordedRequest[];
  /** From that time on, the oldest first. */
  events(since: number): RouteEventRecord[];
  /** Marks what processes that are gone left running as interrupted; returns how many. */
  markInterrupted(isAlive: (pid: number) => boolean): number;
  /**
   * Removes a bounded number of ended requests, attempts, events and idle sessions from before the
   * times, so that nobody waits long for it, and returns how many; 0 where nothing is left to
   * remove. Attempts outlive their requests.
   */
  sweep(before: { requests: number; attempts: number; sessions: number }): number;
}
