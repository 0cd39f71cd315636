import type Anthropic from '@anthropic-ai/sdk';
import type { CompletionRequest } from '../../core/request.ts';

/** Some 1,024 tokens, below which no Claude model caches a prompt. */
const WORTH_CACHING_CHARACTERS = 4096;

/** The default of the API, and the only temperature that some models take. */
const DEFAULT_TEMPERATURE = 1;

/**
 * A request in the words of the Messages API. A long system prompt and, once a
 * conversation has had an answer, the last long message of the user end a prefix that is cached for
 * five minutes: writing to the cache costs a quarter more, which a prompt that comes once never
 * earns back. The API has no seeds.
 */
export function requestBody(
  model: string,
  request: CompletionRequest,
): Anthropic.MessageCreateParamsNonStreaming {
  return {
    ...promptOf(model, request),
    max_tokens: request.maxTokens,
    ...(request.temperature === DEFAULT_TEMPERATURE ? {} : { temperature: request.temperature }),
  };
}

/** The part of a request that has tokens before the answer. */
export function promptOf(
  model: string,
  { messages }: Pick<CompletionRequest, 'messages'>,
): Pick<Anthropic.MessageCreateParamsNonStreaming, 'model' | 'messages' | 'system'> {
  const system = messages
    .filter(({ role }) => role === 'system')
    .map(({ content }) => content)
    .join('\n\n');
  const turns = messages.flatMap(({ role, content }) =>
    role === 'system' || role === 'tool' ? [] : [{ role, content }],
  );
  const goesOn = turns.some(({ role }) => role === 'assistant');
  const cached = goesOn
    ? turns.findLastIndex(({ role, content }) => role === 'user' && isLong(content))
    : -1;
  return {
    model,
    ...(system === '' ? {} : { system: isLong(system) ? cachedText(system) : system }),
    messages: turns.map(({ role, content }, index) => ({
      role,
      content: index === cached ? cachedText(content) : content,
    })),
  };
}

function isLong(text: string): boolean {
  return text.length >= WORTH_CACHING_CHARACTERS;
}

function cachedText(text: string): Anthropic.TextBlockParam[] {
  return [{ type: 'text', text, cache_control: { type: 'ephemeral' } }];
}
