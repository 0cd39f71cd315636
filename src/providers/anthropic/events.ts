import { z } from 'zod';
import type { Completion, FinishReason, Usage } from '../../core/request.ts';
import type { AnswerPart } from '../http/answer.ts';

const tokens = z.int().min(0).nullish();
const usageSchema = z.object({
  input_tokens: tokens,
  output_tokens: tokens,
  cache_creation_input_tokens: tokens,
  cache_read_input_tokens: tokens,
});
type ReportedUsage = z.output<typeof usageSchema>;

const startSchema = z.object({ message: z.object({ usage: usageSchema.nullish() }) });
const pieceSchema = z.looseObject({
  type: z.string(),
  text: z.string().optional(),
  thinking: z.string().optional(),
});
const blockSchema = z.object({ content_block: pieceSchema });
const deltaSchema = z.object({ delta: pieceSchema });
const endSchema = z.object({
  delta: z.object({ stop_reason: z.string().nullish() }),
  usage: usageSchema.nullish(),
});

const messageSchema = z.object({
  content: z.array(pieceSchema),
  stop_reason: z.string().nullish(),
  usage: usageSchema.nullish(),
});

/** A whole message, as batches give it back. It was timed by nobody. */
export function completionOf(model: string, message: unknown): Completion {
  const { content, stop_reason: stopReason, usage } = messageSchema.parse(message);
  const thinking = content.map((block) => block.thinking ?? '').join('');
  return {
    model,
    text: content.map((block) => block.text ?? '').join(''),
    ...(thinking === '' ? {} : { thinking }),
    finishReason: finishReasonOf(stopReason),
    usage: usageOf(usage ?? {}),
    timing: { measured: false },
  };
}

/**
 * Reads the events of one stream. Kinds of events that are not known here mean nothing to us.
 * Throws a `ZodError` on an event of a known kind that is not what the API promises.
 */
export function createEventReader(): (event: { type: string }) => AnswerPart[] {
  let usage: ReportedUsage = {};
  let finishReason: FinishReason = 'stop';

  return (event) => {
    switch (event.type) {
      case 'message_start': {
        const { message } = startSchema.parse(event);
        // Output is counted at the end; here stands what the first token took.
        usage = { ...message.usage, output_tokens: undefined };
        return [{ type: 'usage', usage: usageOf(usage) }];
      }
      case 'content_block_start':
        return partsOf(blockSchema.parse(event).content_block);
      case 'content_block_delta':
        return partsOf(deltaSchema.parse(event).delta);
      case 'message_delta': {
        const { delta, usage: atEnd } = endSchema.parse(event);
        finishReason = finishReasonOf(delta.stop_reason);
        usage = mergeUsage(usage, atEnd ?? {});
        return [{ type: 'usage', usage: usageOf(usage) }];
      }
      case 'message_stop':
        return [{ type: 'end', finishReason }];
      default:
        return [];
    }
  };
}

function partsOf(piece: z.output<typeof pieceSchema>): AnswerPart[] {
  const { text = '', thinking = '' } = piece;
  if (text !== '') return [{ type: 'text', text }];
  return thinking === '' ? [] : [{ type: 'thinking', text: thinking }];
}

/** Counts at the end of a stream are cumulative; those left out there keep what the start said. */
function mergeUsage(before: ReportedUsage, after: ReportedUsage): ReportedUsage {
  const said = Object.entries(after).filter(([, count]) => typeof count === 'number');
  return { ...before, ...Object.fromEntries(said) };
}

/** Anthropic counts cached tokens beside `input_tokens`, we count them in. */
function usageOf(reported: ReportedUsage): Usage {
  const { input_tokens: fresh, output_tokens: output } = reported;
  const { cache_read_input_tokens: read, cache_creation_input_tokens: written } = reported;
  return {
    ...(typeof fresh === 'number' ? { inputTokens: fresh + (read ?? 0) + (written ?? 0) } : {}),
    ...(typeof output === 'number' ? { outputTokens: output } : {}),
    ...(typeof read === 'number' ? { cachedInputTokens: read } : {}),
  };
}

function finishReasonOf(stopReason: string | null | undefined): FinishReason {
  return stopReason === 'max_tokens' || stopReason === 'model_context_window_exceeded'
    ? 'length'
    : 'stop';
}
