import { z } from 'zod';
import type { Completion, FinishReason, ToolCall, Usage } from '../../core/request.ts';
import type { AnswerPart } from '../http/answer.ts';

const tokens = z.int().min(0).nullish();
const usageSchema = z.object({
  input_tokens: tokens,
  output_tokens: tokens,
  cache_creation_input_tokens: tokens,
  cache_read_input_tokens: tokens,
  cache_creation: z.object({ ephemeral_1h_input_tokens: tokens }).nullish(),
  output_tokens_details: z.object({ thinking_tokens: tokens }).nullish(),
});
type ReportedUsage = z.output<typeof usageSchema>;

const startSchema = z.object({ message: z.object({ usage: usageSchema.nullish() }) });
const pieceSchema = z.object({
  type: z.string().refine((type) => type !== 'tool_use', 'a call has a name and an id'),
  text: z.string().optional(),
  thinking: z.string().optional(),
  /** A piece of a tool's arguments. */
  partial_json: z.string().optional(),
});
/** What a block of kind `tool_use` has besides. */
const toolUseSchema = z.object({
  type: z.literal('tool_use'),
  id: z.string(),
  name: z.string(),
  input: z.unknown(),
});
const index = z.int().min(0);
const blockSchema = z.object({ index, content_block: z.union([toolUseSchema, pieceSchema]) });
const deltaSchema = z.object({ index, delta: pieceSchema });
const endSchema = z.object({
  delta: z.object({ stop_reason: z.string().nullish() }),
  usage: usageSchema.nullish(),
});

const messageSchema = z.object({
  content: z.array(z.union([toolUseSchema, pieceSchema])),
  stop_reason: z.string().nullish(),
  usage: usageSchema.nullish(),
});

/** A whole message, as batches give it back. It was timed by nobody. */
export function completionOf(model: string, message: unknown): Completion {
  const { content, stop_reason: stopReason, usage } = messageSchema.parse(message);
  let text = '';
  let thinking = '';
  const toolCalls: ToolCall[] = [];
  for (const block of content) {
    if (isToolUse(block)) {
      const { id, name, input } = block;
      toolCalls.push({ id, name, arguments: JSON.stringify(input ?? {}) });
      continue;
    }
    text += block.text ?? '';
    thinking += block.thinking ?? '';
  }
  return {
    model,
    text,
    ...(thinking === '' ? {} : { thinking }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
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
  /** The API's own tools stream arguments too, and are nobody's to run. */
  const ours = new Set<number>();

  return (event) => {
    switch (event.type) {
      case 'message_start': {
        const { message } = startSchema.parse(event);
        // Output is counted at the end; here stands what the first token took.
        usage = { ...message.usage, output_tokens: undefined };
        return [{ type: 'usage', usage: usageOf(usage) }];
      }
      case 'content_block_start': {
        const { index: place, content_block: block } = blockSchema.parse(event);
        if (!isToolUse(block)) return partsOf(block);
        ours.add(place);
        return [{ type: 'tool-call', index: place, id: block.id, name: block.name }];
      }
      case 'content_block_delta': {
        const { index: place, delta } = deltaSchema.parse(event);
        const { partial_json: json } = delta;
        if (json === undefined || !ours.has(place)) return partsOf(delta);
        return [{ type: 'tool-call', index: place, arguments: json }];
      }
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

type Piece = z.output<typeof pieceSchema>;
type ToolUse = z.output<typeof toolUseSchema>;

function isToolUse(block: Piece | ToolUse): block is ToolUse {
  return block.type === 'tool_use';
}

function partsOf(piece: Piece): AnswerPart[] {
  const { text = '', thinking = '' } = piece;
  if (text !== '') return [{ type: 'text', text }];
  return thinking === '' ? [] : [{ type: 'thinking', text: thinking }];
}

/** Counts at the end of a stream are cumulative; those left out there keep what the start said. */
function mergeUsage(before: ReportedUsage, after: ReportedUsage): ReportedUsage {
  const said = Object.entries(after).filter(([, count]) => count !== null && count !== undefined);
  return { ...before, ...Object.fromEntries(said) };
}

/** Anthropic counts cached tokens beside `input_tokens`, we count them in. */
function usageOf(reported: ReportedUsage): Usage {
  const { input_tokens: fresh, output_tokens: output } = reported;
  const { cache_read_input_tokens: read, cache_creation_input_tokens: written } = reported;
  const hour = reported.cache_creation?.ephemeral_1h_input_tokens;
  const thought = reported.output_tokens_details?.thinking_tokens;
  return {
    ...(typeof fresh === 'number' ? { inputTokens: fresh + (read ?? 0) + (written ?? 0) } : {}),
    ...(typeof output === 'number' ? { outputTokens: output } : {}),
    ...(typeof read === 'number' ? { cachedInputTokens: read } : {}),
    ...(typeof written === 'number' ? { cacheWriteTokens: written } : {}),
    ...(typeof hour === 'number' ? { cacheWriteHourTokens: hour } : {}),
    ...(typeof thought === 'number' ? { reasoningTokens: thought } : {}),
  };
}

function finishReasonOf(stopReason: string | null | undefined): FinishReason {
  if (stopReason === 'tool_use') return 'tool-calls';
  return stopReason === 'max_tokens' || stopReason === 'model_context_window_exceeded'
    ? 'length'
    : 'stop';
}
