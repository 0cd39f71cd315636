import type { CompletionRequest, Message } from '../../core/request.ts';
import { ProviderFailure } from '../failure.ts';
import { argumentsObject } from '../http/tool-calls.ts';
import type { ModelFacts } from './model-facts.ts';

interface ChatBody extends Readonly<Record<string, unknown>> {
  options: Readonly<Record<string, unknown>>;
}

/**
 * A request in the words of `/api/chat`, all but the model and its context. Throws `unsupported`
 * for a tool that must be called, which Ollama cannot be told, and for tools where the model's
 * template has no place for them.
 */
export function chatBody(
  request: CompletionRequest,
  { capabilities }: Pick<ModelFacts, 'capabilities'>,
): ChatBody {
  const { messages, toolChoice = 'auto', responseFormat, topP, stop } = request;
  const tools = toolChoice === 'none' ? [] : (request.tools ?? []);
  if (tools.length > 0 && toolChoice !== 'auto') {
    throw new ProviderFailure('unsupported', 'Ollama cannot be told that a tool must be called.');
  }
  if (tools.length > 0 && capabilities?.includes('tools') === false) {
    throw new ProviderFailure('unsupported', 'The model does not support tools.');
  }
  return {
    messages: messages.map((message, index) => messageOf(message, messages.slice(0, index))),
    stream: true,
    // Neither the prompt's beginning nor the answer's is given up for what follows.
    truncate: false,
    shift: false,
    ...(tools.length === 0
      ? {}
      : { tools: tools.map((tool) => ({ type: 'function', function: tool })) }),
    ...(responseFormat === undefined
      ? {}
      : { format: responseFormat.type === 'json' ? 'json' : responseFormat.schema }),
    options: {
      seed: request.seed,
      temperature: request.temperature,
      num_predict: request.maxTokens,
      ...(topP === undefined ? {} : { top_p: topP }),
      ...(stop === undefined ? {} : { stop }),
    },
  };
}

function messageOf(
  message: Message,
  before: readonly Message[],
): Readonly<Record<string, unknown>> {
  const { role, content } = message;
  if (role === 'tool') {
    const { toolCallId } = message;
    // Before 0.12 a result was tied to its call by the tool's name alone.
    const name = nameOfCall(toolCallId, before);
    const named = name === undefined ? {} : { tool_name: name };
    return { role, content, tool_call_id: toolCallId, ...named };
  }
  if (role !== 'assistant' || message.toolCalls === undefined) return { role, content };
  const calls = message.toolCalls.map(({ id, name, arguments: written }) => ({
    id,
    function: { name, arguments: argumentsObject(written) },
  }));
  return { role, content, tool_calls: calls };
}

function nameOfCall(id: string, before: readonly Message[]): string | undefined {
  const calls = before.flatMap((message) =>
    message.role === 'assistant' ? (message.toolCalls ?? []) : [],
  );
  return calls.findLast((call) => call.id === id)?.name;
}
