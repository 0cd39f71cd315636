import type { Usage } from '../core/request.ts';
import type { Complexity, Priority, TaskCategory } from '../core/task.ts';

export interface NewRequest {
  id: string;
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

export interface RecordedAttempt {
  at: number;
  tier: string;
  target: string;
  /** `ok` or a failure class. */
  outcome: string;
  usage?: Usage;
  ttftMs?: number;
  totalMs: number;
  /** Absent where no price is known or no tokens were reported; 0 for local targets. */
  usd?: number;
}

export type RequestState = 'running' | 'answered' | 'failed' | 'cancelled' | 'interrupted';

export interface Ending {
  state: Exclude<RequestState, 'running' | 'interrupted'>;
  answeredTier?: string;
  answeredTarget?: string;
  failure?: string;
  ttftMs?: number;
  totalMs: number;
  /** Milliseconds of `totalMs` that no target was at work. */
  overheadMs: number;
  usage?: Usage;
  usd?: number;
}

export interface RecordedRequest extends NewRequest {
  state: RequestState;
  ending?: Partial<Ending>;
  attempts: RecordedAttempt[];
}

export interface RouteEventRecord {
  at: number;
  /** As `emergency` or `breaker`. */
  kind: string;
  requestId?: string;
  detail: unknown;
}

export interface HistoryFilter {
  /** Milliseconds since the Unix epoch. */
  since?: number;
  until?: number;
  states?: readonly RequestState[];
  tier?: string;
  /** The target chosen or the one that answered. */
  target?: string;
  policy?: string;
  category?: string;
  session?: string;
  agent?: string;
  source?: string;
  /** Newest first. */
  limit: number;
}

/** What was asked, decided, tried and paid. Several processes may write at once. */
export interface Ledger {
  /** Before anything is sent. */
  begin(request: NewRequest): void;
  /** An attempt that did not end its request; `number` counts from 0 within the request. */
  attempt(requestId: string, number: number, attempt: RecordedAttempt): void;
  /** Ends a request with the attempts that were not written yet, whole or not at all. */
  end(
    requestId: string,
    ending: Ending,
    attempts: readonly (RecordedAttempt & { number: number })[],
  ): void;
  event(event: RouteEventRecord): void;
  /** The request of that id, or the only one whose id begins so. */
  find(id: string): RecordedRequest | undefined;
  history(filter: HistoryFilter): RecordedRequest[];
  events(since: number): RouteEventRecord[];
  /** Marks what processes that are gone left running as interrupted; returns how many. */
  markInterrupted(isAlive: (pid: number) => boolean): number;
  /** Removes ended requests, events and idle sessions before the times; returns how many rows. */
  sweep(before: { requests: number; sessions: number }): number;
}
