import type { Completion, FinishReason, ToolCall, Usage } from '../../core/request.ts';
import type { AnswerHead, AnswerWriter } from '../dialect.ts';

const REASONS: Record<FinishReason, string> = {
  stop: 'stop',
  length: 'length',
  'tool-calls': 'tool_calls',
  // Nobody reads the end of an answer that was cancelled.
  cancelled: 'stop',
};

/** Answers of `/v1/chat/completions`. @param withUsage a last chunk of a stream tells the tokens */
export function chatWriter(
  { requestId, target, now }: AnswerHead,
  withUsage: boolean,
): AnswerWriter {
  const shared = {
    id: `chatcmpl-${requestId}`,
    created: Math.floor(now() / 1000),
    model: target,
  };
  const usageSlot = withUsage ? ',"usage":null' : '';
  const beginning = `data: ${JSON.stringify({ object: 'chat.completion.chunk', ...shared }).slice(0, -1)}`;
  // Written once for every token: what does not change between two of them is made beforehand.
  const chunk = (delta: string, reason = 'null'): string =>
    `${beginning},"choices":[{"index":0,"delta":${delta},"logprobs":null,"finish_reason":${reason}}]${usageSlot}}\n\n`;
  let calls = 0;

  return {
    whole: ({ completion }) => JSON.stringify({ ...shared, ...wholeOf(completion) }),
    opening: () => chunk('{"role":"assistant","content":""}'),
    piece(piece) {
      switch (piece.type) {
        case 'text':
          return chunk(`{"content":${JSON.stringify(piece.text)}}`);
        case 'thinking':
          return chunk(`{"reasoning_content":${JSON.stringify(piece.text)}}`);
        case 'tool-call':
          return chunk(
            JSON.stringify({ tool_calls: [{ index: calls++, ...toolCallOf(piece.call) }] }),
          );
      }
    },
    closing({ completion: { finishReason, usage } }) {
      const end = chunk('{}', `"${REASONS[finishReason]}"`);
      const told = withUsage ? usageOf(usage) : undefined;
      const tokens =
        told === undefined ? '' : `${beginning},"choices":[],"usage":${JSON.stringify(told)}}\n\n`;
      return `${end}${tokens}data: [DONE]\n\n`;
    },
  };
}

function wholeOf({ text, thinking, toolCalls, finishReason, usage }: Completion): object {
  const told = usageOf(usage);
  const message = {
    role: 'assistant',
    content: text === '' && toolCalls !== undefined ? null : text,
    refusal: null,
    ...(thinking === undefined ? {} : { reasoning_content: thinking }),
    ...(toolCalls === undefined ? {} : { tool_calls: toolCalls.map(toolCallOf) }),
  };
  return {
    object: 'chat.completion',
    choices: [{ index: 0, message, logprobs: null, finish_reason: REASONS[finishReason] }],
    ...(told === undefined ? {} : { usage: told }),
  };
}

function toolCallOf({ id, name, arguments: written }: ToolCall): object {
  return { id, type: 'function', function: { name, arguments: written } };
}

/** `undefined` where the server told nothing: a count is never made up. */
function usageOf({ inputTokens, outputTokens, cachedInputTokens }: Usage): object | undefined {
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  return {
    prompt_tokens: inputTokens ?? 0,
    completion_tokens: outputTokens ?? 0,
    total_tokens: (inputTokens ?? 0) + (outputTokens ?? 0),
    ...(cachedInputTokens === undefined
      ? {}
      : { prompt_tokens_details: { cached_tokens: cachedInputTokens } }),
  };
}
