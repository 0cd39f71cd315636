import type { CompletionRequest, Message } from '../../core/request.ts';

/** Marks of a turn in the chat templates in use: role, begin, end. */
const TOKENS_PER_MESSAGE = 16;
/** What templates add of their own: a default system prompt, a date, the opening of the answer. */
const TOKENS_PER_PROMPT = 256;
/** What templates say of how tools are called. */
const TOKENS_FOR_TOOLS = 1024;
/** Marks around a call that was made. */
const TOKENS_PER_CALL = 64;

/**
 * More tokens than a prompt can have: byte-level and byte-fallback tokenizers make at most one
 * token of a byte. English and code have three to four bytes a token, so it is far above the truth
 * and only good for saying that a prompt surely fits.
 */
export function promptTokensAtMost({
  messages,
  tools = [],
}: Pick<CompletionRequest, 'messages' | 'tools'>): number {
  let tokens = TOKENS_PER_PROMPT;
  for (const message of messages) tokens += messageTokensAtMost(message);
  if (tools.length === 0) return tokens;
  // Templates print the schemas as JSON, the roomiest with four spaces before each level.
  return tokens + TOKENS_FOR_TOOLS + Buffer.byteLength(JSON.stringify(tools, null, 4));
}

function messageTokensAtMost(message: Message): number {
  let tokens = TOKENS_PER_MESSAGE + Buffer.byteLength(message.content);
  if (message.role === 'tool') tokens += Buffer.byteLength(message.toolCallId);
  if (message.role !== 'assistant') return tokens;
  for (const { id, name, arguments: written } of message.toolCalls ?? []) {
    tokens += TOKENS_PER_CALL + Buffer.byteLength(id + name);
    // A template may print the text as JSON once more, with a backslash before each quote.
    tokens += 2 * Buffer.byteLength(written);
  }
  return tokens;
}
