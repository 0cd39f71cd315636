import { AppError } from '../../core/errors.ts';
import type { Completion } from '../../core/request.ts';
import { failureClassOf } from '../../providers/failure.ts';
import type { RouteRequest, Rung } from '../decision.ts';
import type { Outcome } from '../journal.ts';
import type { SessionTurn } from '../sessions.ts';

/** With the conversation that its session holds. */
export async function withHistory(
  request: RouteRequest,
  turn: SessionTurn | undefined,
): Promise<RouteRequest> {
  if (turn === undefined) return request;
  const window = { contextTokens: undefined, maxTokens: 0, countTokens: async () => undefined };
  const { messages } = await turn.prompt(request.messages, window);
  return { ...request, messages };
}

export function outcomeOf(error: unknown): Outcome {
  const failure = failureClassOf(error);
  if (failure === 'cancelled') return { state: 'cancelled', failure };
  if (failure !== undefined) return { state: 'failed', failure };
  return { state: 'failed', failure: error instanceof AppError ? error.code : 'internal' };
}

/** What a caller gets who left before anything came. */
export function unanswered({ spec }: Rung, totalMs: number): Completion {
  const timing = { totalMs, measured: true };
  return { model: spec, text: '', finishReason: 'cancelled', usage: {}, timing };
}
