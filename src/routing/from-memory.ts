import type { Clock } from '../core/clock.ts';
import type { CompletionRequest, Message } from '../core/request.ts';
import type { Remembered, Rung } from './decision.ts';
import type { ClimbEvent } from './ladder.ts';

/** A remembered answer, told as if a model gave it. No tokens are used. */
export async function* answerFrom(
  { answer: text }: NonNullable<Remembered['reuse']>,
  rung: Rung,
  startedAt: number,
  clock: Clock,
): AsyncGenerator<ClimbEvent> {
  yield { type: 'committed', rung };
  yield { type: 'text', text };
  const totalMs = clock.monotonic() - startedAt;
  const timing = { ttftMs: totalMs, totalMs, measured: true };
  const usage = { inputTokens: 0, outputTokens: 0 };
  const completion = { model: rung.spec, text, finishReason: 'stop', usage, timing } as const;
  yield { type: 'finished', completion };
}

/** The request with earlier answers at the end of its system message, or in one of their own. */
export function withContext(
  request: CompletionRequest,
  context: string | undefined,
): CompletionRequest {
  if (context === undefined) return request;
  const [first, ...others] = request.messages;
  const messages: Message[] =
    first?.role === 'system'
      ? [{ role: 'system', content: `${first.content}\n\n${context}` }, ...others]
      : [{ role: 'system', content: context }, ...request.messages];
  return { ...request, messages };
}
