import type { CompletionRequest, Message, ResponseFormat } from '../../core/request.ts';
import type { Server } from './server.ts';

/** A request in the words of `/v1/chat/completions`, all but the model and the room for the answer. */
export function chatBody(
  request: CompletionRequest,
  kind: Server['kind'],
): Readonly<Record<string, unknown>> {
  const { temperature, seed, topP, stop, responseFormat } = request;
  return {
    temperature,
    seed,
    stream: true,
    stream_options: { include_usage: true },
    ...promptBody(request, kind),
    ...(topP === undefined ? {} : { top_p: topP }),
    ...(stop === undefined ? {} : { stop }),
    ...(responseFormat === undefined ? {} : { response_format: formatOf(responseFormat) }),
  };
}

/** The part of a request that has tokens before the answer. */
export function promptBody(
  { messages, tools = [], toolChoice }: CompletionRequest,
  kind: Server['kind'],
): Readonly<Record<string, unknown>> {
  const prompt = { messages: messages.map(messageOf) };
  if (tools.length === 0) return prompt;
  const named = typeof toolChoice === 'object' ? toolChoice.name : undefined;
  // llama-server reads over a choice by name; that tool alone and the word `required` say the same.
  const alone = kind === 'llama-server' && named !== undefined;
  const choice = named === undefined ? toolChoice : { type: 'function', function: { name: named } };
  return {
    ...prompt,
    tools: tools
      .filter(({ name }) => !alone || name === named)
      .map((tool) => ({ type: 'function', function: tool })),
    ...(choice === undefined ? {} : { tool_choice: alone ? 'required' : choice }),
  };
}

function messageOf(message: Message): Readonly<Record<string, unknown>> {
  const { role, content } = message;
  if (role === 'tool') return { role, content, tool_call_id: message.toolCallId };
  if (role !== 'assistant' || message.toolCalls === undefined) return { role, content };
  const calls = message.toolCalls.map(({ id, name, arguments: written }) => ({
    id,
    type: 'function',
    function: { name, arguments: written },
  }));
  return { role, content, tool_calls: calls };
}

function formatOf(format: ResponseFormat): Readonly<Record<string, unknown>> {
  if (format.type === 'json') return { type: 'json_object' };
  const { name, schema } = format;
  return { type: 'json_schema', json_schema: { name, schema, strict: true } };
}
