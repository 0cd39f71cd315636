import type Anthropic from '@anthropic-ai/sdk';
import type { Message } from '../../core/request.ts';
import { argumentsObject } from '../http/tool-calls.ts';

/** Some 1,024 tokens, below which no Claude model caches a prompt. */
const WORTH_CACHING_CHARACTERS = 4096;

type Block =
  | Anthropic.TextBlockParam
  | Anthropic.ToolUseBlockParam
  | Anthropic.ToolResultBlockParam;
interface Turn {
  role: 'user' | 'assistant';
  content: string | Block[];
}

export function isLong(text: string): boolean {
  return text.length >= WORTH_CACHING_CHARACTERS;
}

/**
 * A conversation without its system prompts. The results of all tools called in one turn go, with
 * what the user says after them, into one message, as the API asks.
 * @param goesOn whether more turns follow, so that a long prompt is cached up to the user's last message
 */
export function turnsOf(messages: readonly Message[], goesOn: boolean): Anthropic.MessageParam[] {
  const isConversation = goesOn || messages.some(({ role }) => role === 'assistant');
  const isWorthCaching = isLong(messages.map(({ content }) => content).join(''));
  const cached =
    isConversation && isWorthCaching
      ? messages.findLastIndex(
          ({ role, content }) => (role === 'user' || role === 'tool') && content !== '',
        )
      : -1;
  const turns: Turn[] = [];
  for (const [index, message] of messages.entries()) {
    if (message.role === 'system') continue;
    const turn = turnOf(message, index === cached);
    const last = turns.at(-1);
    if (last !== undefined && answersTools(last) && turn.role === 'user') {
      last.content = [...blocksOf(last.content), ...blocksOf(turn.content)];
    } else {
      turns.push(turn);
    }
  }
  return turns;
}

function turnOf(message: Message, isCached: boolean): Turn {
  const { content } = message;
  const cache = isCached ? { cache_control: { type: 'ephemeral' as const } } : {};
  if (message.role === 'tool') {
    const result = { type: 'tool_result' as const, tool_use_id: message.toolCallId, content };
    return { role: 'user', content: [{ ...result, ...cache }] };
  }
  if (message.role === 'assistant') {
    const calls = (message.toolCalls ?? []).map(({ id, name, arguments: written }) => ({
      type: 'tool_use' as const,
      id,
      name,
      input: argumentsObject(written),
    }));
    return {
      role: 'assistant',
      content: calls.length === 0 ? content : [...blocksOf(content), ...calls],
    };
  }
  return {
    role: 'user',
    content: isCached ? [{ type: 'text', text: content, ...cache }] : content,
  };
}

function answersTools({ content }: Turn): boolean {
  return Array.isArray(content) && content.some(({ type }) => type === 'tool_result');
}

/** The API refuses an empty text. */
function blocksOf(content: string | Block[]): Block[] {
  if (typeof content !== 'string') return content;
  return content === '' ? [] : [{ type: 'text', text: content }];
}
