import type { Clock } from '../core/clock.ts';
import { messageOf } from '../core/errors.ts';
import type { CompletionRequest } from '../core/request.ts';
import { failureClassOf, type FailureClass } from '../providers/failure.ts';
import type { Provider } from '../providers/provider.ts';

/** One request as its caller saw it. Times are milliseconds; `startedMs` and `endedMs` on the monotonic clock. */
export type Sample =
  | {
      state: 'answered';
      startedMs: number;
      endedMs: number;
      /** From the start to the first piece of text; null for an answer without any. */
      ttftMs: number | null;
      /** As the server counts them; null where it does not. */
      outputTokens: number | null;
      inputTokens: number | null;
      /** Between two pieces of text. */
      gapsMs: readonly number[];
    }
  | {
      state: 'failed';
      startedMs: number;
      endedMs: number;
      /** `internal` is a defect of ours. */
      failure: FailureClass | 'internal';
      message: string;
    };
export type AnsweredSample = Extract<Sample, { state: 'answered' }>;

/** (E2E − TTFT) / (n − 1) with the n that the server counted; null where there is none. */
export function tpotOf(sample: AnsweredSample): number | null {
  const { ttftMs, outputTokens, startedMs, endedMs } = sample;
  if (ttftMs === null || outputTokens === null || outputTokens < 2) return null;
  return (endedMs - startedMs - ttftMs) / (outputTokens - 1);
}

/**
 * Sends one request and times it.
 * @param startedMs when it was due, which may lie before now: an open loop counts what waits for us too
 * @throws the signal's reason once it is aborted; a failed request is a sample, not an error
 */
export async function takeSample(
  provider: Provider,
  request: CompletionRequest,
  clock: Clock,
  signal: AbortSignal,
  startedMs: number = clock.monotonic(),
): Promise<Sample> {
  let firstMs: number | null = null;
  let lastMs = startedMs;
  const gapsMs: number[] = [];
  try {
    for await (const event of provider.stream(request, { signal })) {
      const now = clock.monotonic();
      if (event.type === 'finished') {
        signal.throwIfAborted();
        const { outputTokens = null, inputTokens = null } = event.completion.usage;
        const ttftMs = firstMs === null ? null : firstMs - startedMs;
        return {
          state: 'answered',
          startedMs,
          endedMs: now,
          ttftMs,
          outputTokens,
          inputTokens,
          gapsMs,
        };
      }
      if (firstMs === null) firstMs = now;
      else gapsMs.push(now - lastMs);
      lastMs = now;
    }
    throw new Error('the stream ended without its last event');
  } catch (error) {
    signal.throwIfAborted();
    const failure = failureClassOf(error) ?? 'internal';
    return {
      state: 'failed',
      startedMs,
      endedMs: clock.monotonic(),
      failure,
      message: messageOf(error),
    };
  }
}
