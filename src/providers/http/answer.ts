import type { Clock } from '../../core/clock.ts';
import type {
  Completion,
  CompletionRequest,
  FinishReason,
  ToolCall,
  Usage,
} from '../../core/request.ts';
import { failureClassOf, ProviderFailure } from '../failure.ts';
import type { StreamEvent } from '../provider.ts';
import { cancelledFailure, watchDeadlines, type Deadlines } from './deadlines.ts';
import { collectToolCalls, type ToolCallPiece } from './tool-calls.ts';

/** What a server tells in a stream, in the words all servers share. */
export type AnswerPart =
  /** Never empty. */
  | { type: 'text' | 'thinking'; text: string }
  | ({ type: 'tool-call' } & ToolCallPiece)
  /** Replaces what was reported before: a repeated report is the same tokens again. */
  | { type: 'usage'; usage: Usage }
  /** The end mark. */
  | { type: 'end'; finishReason: FinishReason };

export interface AnswerOptions {
  model: string;
  request: CompletionRequest;
  deadlines: Deadlines;
  clock: Clock;
  /** The caller's. */
  signal?: AbortSignal | undefined;
  /** Asks the server, and gives the parts that came together together; `signal` is the watch's, and whatever it aborts with is to be thrown. */
  ask: (signal: AbortSignal) => Promise<AsyncIterable<readonly AnswerPart[]>>;
}

/**
 * An answer as it comes, within its deadlines. Tool calls are given whole, before the end. An
 * abort by the caller finishes it as `cancelled` with the text that came until then; an end without
 * an end mark throws `truncated-stream`.
 */
export async function* streamAnswer(options: AnswerOptions): AsyncGenerator<StreamEvent> {
  const { model, request, deadlines, clock, signal, ask } = options;
  const startedAt = clock.monotonic();
  const watch = watchDeadlines({ deadlines, clock, signal });
  let text = '';
  let thinking = '';
  const pieces = collectToolCalls(request.messages);
  let toolCalls: readonly ToolCall[] = [];
  let usage: Usage = {};
  let ttftMs: number | undefined;
  let finishReason: FinishReason | undefined;

  function finished(reason: FinishReason): StreamEvent {
    const totalMs = clock.monotonic() - startedAt;
    const timing = { totalMs, measured: true, ...(ttftMs === undefined ? {} : { ttftMs }) };
    const thoughts = thinking === '' ? {} : { thinking };
    const calls = toolCalls.length === 0 ? {} : { toolCalls };
    // Not every server has a word of its own for an end with calls.
    const why = reason === 'stop' && toolCalls.length > 0 ? 'tool-calls' : reason;
    const completion = { model, text, ...thoughts, ...calls, finishReason: why, usage, timing };
    return { type: 'finished', completion };
  }

  try {
    for await (const parts of await ask(watch.signal)) {
      for (const part of parts) {
        if (part.type === 'usage') {
          usage = part.usage;
          continue;
        }
        watch.progress();
        if (part.type === 'end') {
          finishReason = part.finishReason;
          continue;
        }
        ttftMs ??= clock.monotonic() - startedAt;
        if (part.type === 'tool-call') {
          pieces.add(part);
          continue;
        }
        if (part.type === 'text') text += part.text;
        else thinking += part.text;
        watch.hold();
        yield { type: part.type, text: part.text };
        watch.progress();
      }
    }
    if (finishReason === undefined) {
      throw new ProviderFailure('truncated-stream', 'The stream ended without its end mark.');
    }
    toolCalls = pieces.calls();
    watch.hold();
    for (const call of toolCalls) yield { type: 'tool-call', call };
  } catch (error) {
    if (signal?.aborted !== true || failureClassOf(error) !== 'cancelled') {
      if (error instanceof ProviderFailure && Object.keys(usage).length > 0) error.usage = usage;
      throw error;
    }
    finishReason = 'cancelled';
  } finally {
    watch.end();
  }
  yield finished(finishReason);
}

/** The same in one piece; an abort by the caller rejects with failure class `cancelled`. */
export async function completeAnswer(options: AnswerOptions): Promise<Completion> {
  for await (const event of streamAnswer(options)) {
    if (event.type !== 'finished') continue;
    if (event.completion.finishReason === 'cancelled') break;
    return event.completion;
  }
  throw cancelledFailure();
}
