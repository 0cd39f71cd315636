import type { Message } from '../../core/request.ts';

/** Marks of a turn in the chat templates in use: role, begin, end. */
const TOKENS_PER_MESSAGE = 16;
/** What templates add of their own: a default system prompt, a date, the opening of the answer. */
const TOKENS_PER_PROMPT = 256;

/**
 * More tokens than a prompt can have: byte-level and byte-fallback tokenizers make at most one
 * token of a byte. English and code have three to four bytes a token, so it is far above the truth
 * and only good for saying that a prompt surely fits.
 */
export function promptTokensAtMost(messages: readonly Message[]): number {
  let tokens = TOKENS_PER_PROMPT;
  for (const { content } of messages) tokens += TOKENS_PER_MESSAGE + Buffer.byteLength(content);
  return tokens;
}
