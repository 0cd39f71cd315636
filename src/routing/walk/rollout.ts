import type { Completion, CompletionRequest } from '../../core/request.ts';
import type { RecordedAttempt } from '../../ledger/ledger.ts';
import { failureClassOf } from '../../providers/failure.ts';
import type { ResilientProvider } from '../attempt.ts';
import type { Assignment, Decision, Description, RouteRequest, Rung } from '../decision.ts';
import type { Journal } from '../journal.ts';

/** A request that took part in a rollout, once its caller has all that comes. */
export interface RolledRequest {
  requestId: string;
  /** With the messages of its session. */
  request: RouteRequest;
  decision: Decision & { rollout: Assignment };
  /** What the caller got; absent where nobody answered whole. */
  completion?: Completion;
  attempts: readonly RecordedAttempt[];
  /** Asks another target the same, for nobody but whoever asks here; never rejects. */
  beside: AskBeside;
}

export type AskBeside = (rung: Rung, signal: AbortSignal) => Promise<Beside>;

/** What a target said beside an answer. */
export interface Beside {
  /** `ok`, or the class of the failure. */
  outcome: string;
  completion?: Completion;
  attempts: readonly RecordedAttempt[];
}

/** What a rollout does in a walk. */
export interface RolloutFace {
  /** The side that a request goes to; `undefined` where it has no part in a rollout. Takes microseconds. */
  assign: (
    request: RouteRequest,
    description: Description,
    requestId: string,
  ) => Assignment | undefined;
  /** What it throws is told as trouble. */
  ended: (rolled: RolledRequest) => void;
}

export interface BesideDeps {
  /** What the target is asked; throws where it may not be. */
  prepare: (rung: Rung) => Promise<{ provider: ResilientProvider; request: CompletionRequest }>;
  journal: Pick<Journal, 'listen'>;
}

/** Attempts are billed to the request. What is said goes into no session, no memory, and to no caller. */
export function besideOf({ prepare, journal }: BesideDeps): AskBeside {
  return async (rung, signal) => {
    const attempts: RecordedAttempt[] = [];
    try {
      const { provider, request } = await prepare(rung);
      const completion = await provider.complete(request, {
        signal,
        onAttempt: journal.listen(rung, 'shadow', (attempt) => attempts.push(attempt)),
      });
      return { outcome: 'ok', completion, attempts };
    } catch (error) {
      return { outcome: failureClassOf(error) ?? 'internal', attempts };
    }
  };
}
