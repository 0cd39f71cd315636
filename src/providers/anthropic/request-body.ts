import type Anthropic from '@anthropic-ai/sdk';
import type { CompletionRequest, ToolChoice } from '../../core/request.ts';
import { ProviderFailure } from '../failure.ts';
import { isLong, turnsOf } from './turns.ts';

/** The default of the API, and the only temperature that some models take. */
const DEFAULT_TEMPERATURE = 1;

type Prompt = Pick<
  Anthropic.MessageCreateParamsNonStreaming,
  'model' | 'messages' | 'system' | 'tools' | 'tool_choice'
>;

/**
 * A request in the words of the Messages API. A long system prompt, and the last long message of
 * the user where the conversation goes on, end a prefix that is cached for five minutes: writing
 * to the cache costs a quarter more, which a prompt that comes once never earns back. The API has
 * no seeds, and holds an answer to a schema but not to any JSON: that throws `unsupported`.
 * @param goesOn the caller says that more turns follow; one that has had an answer does anyway
 */
export function requestBody(
  model: string,
  request: CompletionRequest,
  goesOn = false,
): Anthropic.MessageCreateParamsNonStreaming {
  const { maxTokens, temperature, topP = 1, stop = [], responseFormat } = request;
  if (responseFormat?.type === 'json') {
    throw new ProviderFailure('unsupported', 'Claude is held to a JSON Schema, not to any JSON.');
  }
  return {
    ...promptOf(model, request, goesOn),
    max_tokens: maxTokens,
    ...(temperature === DEFAULT_TEMPERATURE ? {} : { temperature }),
    // All of the nucleus is the default, and newer models refuse it beside a temperature.
    ...(topP === 1 ? {} : { top_p: topP }),
    ...(stop.length === 0 ? {} : { stop_sequences: [...stop] }),
    ...(responseFormat === undefined
      ? {}
      : { output_config: { format: { type: 'json_schema', schema: responseFormat.schema } } }),
  };
}

/** The part of a request that has tokens before the answer. */
export function promptOf(
  model: string,
  {
    messages,
    tools = [],
    toolChoice,
  }: Pick<CompletionRequest, 'messages' | 'tools' | 'toolChoice'>,
  goesOn = false,
): Prompt {
  const system = messages
    .filter(({ role }) => role === 'system')
    .map(({ content }) => content)
    .join('\n\n');
  const offered = tools.map(({ name, description, parameters, strict }) => ({
    name,
    ...(description === undefined ? {} : { description }),
    input_schema: { ...parameters, type: 'object' as const },
    ...(strict === undefined ? {} : { strict }),
  }));
  // The tools stand before the system prompt and are cached with it.
  const isCached = isLong(JSON.stringify(offered) + system);
  return {
    model,
    ...(offered.length === 0 ? {} : { tools: offered }),
    ...(offered.length === 0 || toolChoice === undefined
      ? {}
      : { tool_choice: choiceOf(toolChoice) }),
    ...(system === '' ? {} : { system: isCached ? cachedText(system) : system }),
    messages: turnsOf(messages, goesOn),
  };
}

function choiceOf(choice: ToolChoice): Anthropic.ToolChoice {
  if (typeof choice === 'object') return { type: 'tool', name: choice.name };
  return { type: choice === 'required' ? 'any' : choice };
}

function cachedText(text: string): Anthropic.TextBlockParam[] {
  return [{ type: 'text', text, cache_control: { type: 'ephemeral' } }];
}
