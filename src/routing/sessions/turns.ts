import { isDeepStrictEqual } from 'node:util';
import type { Message } from '../../core/request.ts';

/** A conversation: what stands before it, and what was said. */
export interface Conversation {
  system: readonly Message[];
  messages: readonly Message[];
}

/**
 * What a request adds to a conversation, and the system messages that hold from now on. Clients
 * that know nothing of sessions send the whole conversation each time: what is there already is
 * not added again.
 */
export function newMessages(
  known: Conversation,
  sent: readonly Message[],
): { system: readonly Message[]; rest: readonly Message[] } {
  const system = sent.filter(({ role }) => role === 'system');
  const said = sent.filter(({ role }) => role !== 'system');
  const { length } = known.messages;
  const repeats = length > 0 && isDeepStrictEqual(said.slice(0, length), known.messages);
  return {
    system: system.length === 0 ? known.system : system,
    rest: repeats ? said.slice(length) : said,
  };
}

/**
 * Turns of a conversation as the numbers of their first messages: a turn begins with a user's
 * message and holds all that answers it, calls of tools and their results included.
 */
export function turnStarts(messages: readonly Message[]): number[] {
  const starts: number[] = [];
  for (const [index, { role }] of messages.entries()) {
    const begins = role === 'user' && messages[index - 1]?.role !== 'user';
    if (index === 0 || begins) starts.push(index);
  }
  return starts;
}
