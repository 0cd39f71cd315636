import type { Completion, FinishReason, ToolCall, Usage } from '../../core/request.ts';
import { argumentsObject } from '../../providers/http/tool-calls.ts';
import type { AnswerHead, AnswerWriter, Piece } from '../dialect.ts';

const REASONS: Record<FinishReason, string> = {
  stop: 'end_turn',
  length: 'max_tokens',
  'tool-calls': 'tool_use',
  // Nobody reads the end of an answer that was cancelled.
  cancelled: 'end_turn',
};

/** Answers of `/v1/messages`. @param withThinking the client asked for what the model thinks */
export function messageWriter(
  { requestId, target }: AnswerHead,
  withThinking: boolean,
): AnswerWriter {
  const shared = { id: `msg_${requestId}`, type: 'message', role: 'assistant', model: target };
  let index = -1;
  let open: 'text' | 'thinking' | undefined;

  function closeBlock(): string {
    if (open === undefined) return '';
    // Clients that give a thought back expect its signature, and there is none.
    const signature =
      open === 'thinking' ? delta(index, { type: 'signature_delta', signature: '' }) : '';
    open = undefined;
    return signature + blockEnd(index);
  }

  /** A piece of the block that is open, or of one that is opened for it. */
  function write(type: 'text' | 'thinking', text: string): string {
    // Written once for every token, and the text is all that changes.
    const piece = (): string =>
      `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${type}_delta","${type}":${JSON.stringify(text)}}}\n\n`;
    if (open === type) return piece();
    const closed = closeBlock();
    open = type;
    index += 1;
    const empty = type === 'text' ? { type, text: '' } : { type, thinking: '', signature: '' };
    return closed + blockStart(index, empty) + piece();
  }

  function writeCall({ id, name, arguments: written }: ToolCall): string {
    const closed = closeBlock();
    index += 1;
    const start = blockStart(index, { type: 'tool_use', id, name, input: {} });
    const json = JSON.stringify(argumentsObject(written));
    const input = delta(index, { type: 'input_json_delta', partial_json: json });
    return closed + start + input + blockEnd(index);
  }

  return {
    whole: ({ completion }) =>
      JSON.stringify({
        ...shared,
        content: blocksOf(completion, withThinking),
        stop_reason: REASONS[completion.finishReason],
        stop_sequence: null,
        usage: usageOf(completion.usage),
      }),
    opening: () =>
      event('message_start', {
        message: {
          ...shared,
          content: [],
          stop_reason: null,
          stop_sequence: null,
          // How many they are is known at the end.
          usage: { input_tokens: 0, output_tokens: 0 },
        },
      }),
    piece(piece: Piece) {
      if (piece.type === 'tool-call') return writeCall(piece.call);
      if (piece.type === 'thinking' && !withThinking) return '';
      return write(piece.type, piece.text);
    },
    closing: ({ completion: { finishReason, usage } }) =>
      closeBlock() +
      event('message_delta', {
        delta: { stop_reason: REASONS[finishReason], stop_sequence: null },
        usage: usageOf(usage),
      }) +
      event('message_stop', {}),
  };
}

function event(type: string, data: object): string {
  return `event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`;
}

function blockStart(index: number, block: object): string {
  return event('content_block_start', { index, content_block: block });
}

function delta(index: number, change: object): string {
  return event('content_block_delta', { index, delta: change });
}

function blockEnd(index: number): string {
  return event('content_block_stop', { index });
}

function blocksOf({ thinking, text, toolCalls = [] }: Completion, withThinking: boolean): object[] {
  return [
    ...(withThinking && thinking !== undefined
      ? [{ type: 'thinking', thinking, signature: '' }]
      : []),
    ...(text === '' ? [] : [{ type: 'text', text }]),
    ...toolCalls.map(({ id, name, arguments: written }) => ({
      type: 'tool_use',
      id,
      name,
      input: argumentsObject(written),
    })),
  ];
}

/** Anthropic counts what came from a cache beside the input, and has no word for what is not known. */
function usageOf(usage: Usage): object {
  const { inputTokens = 0, outputTokens = 0, cachedInputTokens, cacheWriteTokens } = usage;
  return {
    input_tokens: Math.max(0, inputTokens - (cachedInputTokens ?? 0) - (cacheWriteTokens ?? 0)),
    output_tokens: outputTokens,
    cache_read_input_tokens: cachedInputTokens ?? 0,
    cache_creation_input_tokens: cacheWriteTokens ?? 0,
  };
}
