import { isDeepStrictEqual } from 'node:util';
import type { Message, ToolCall } from '../../core/request.ts';

/** A conversation: what stands before it, and what was said. */
export interface Conversation {
  system: readonly Message[];
  messages: readonly Message[];
}

/** How a request goes on with a conversation. */
export interface Continuation {
  /** The system messages that hold from now on. */
  system: readonly Message[];
  /** How many messages of the conversation stay. All, unless the client says that it went otherwise. */
  kept: number;
  /** What comes after those. */
  rest: readonly Message[];
}

/**
 * Clients that know nothing of sessions send the whole conversation each time, or the end of it:
 * what is there already is not added again. One that sends the beginning of the conversation and
 * then something else (a question asked anew, an answer that was edited) goes on from where the
 * two part. Messages without an answer among them are always new: nobody repeats only questions.
 */
export function continuationOf(known: Conversation, sent: readonly Message[]): Continuation {
  const system = sent.filter(({ role }) => role === 'system');
  const said = sent.filter(({ role }) => role !== 'system');
  const isSame = system.length === 0 || isDeepStrictEqual(system, known.system);
  return { system: isSame ? known.system : system, ...joined(known.messages, said) };
}

function joined(
  known: readonly Message[],
  said: readonly Message[],
): { kept: number; rest: readonly Message[] } {
  if (said.every(({ role }) => role !== 'assistant')) return { kept: known.length, rest: said };
  const beginning = commonLength(known, said);
  const end = overlap(known, said);
  if (beginning > 0 && beginning >= end) return { kept: beginning, rest: said.slice(beginning) };
  return { kept: known.length, rest: said.slice(end) };
}

function commonLength(known: readonly Message[], said: readonly Message[]): number {
  const parting = known.findIndex((message, index) => !isSameMessage(message, said[index]));
  return parting === -1 ? known.length : parting;
}

/** How many of the last messages known are the first ones said. */
function overlap(known: readonly Message[], said: readonly Message[]): number {
  for (let length = Math.min(known.length, said.length); length > 0; length -= 1) {
    if (commonLength(known.slice(-length), said) === length) return length;
  }
  return 0;
}

function isSameMessage(a: Message, b: Message | undefined): boolean {
  if (b === undefined || a.role !== b.role || a.content !== b.content) return false;
  if (a.role === 'tool') return b.role === 'tool' && a.toolCallId === b.toolCallId;
  if (a.role !== 'assistant' || b.role !== 'assistant') return true;
  return isDeepStrictEqual(a.toolCalls?.map(meaningOf), b.toolCalls?.map(meaningOf));
}

/** Some clients read the arguments of a call and write them anew, with other spaces. */
function meaningOf({ id, name, arguments: written }: ToolCall): unknown {
  try {
    return [id, name, JSON.parse(written)];
  } catch {
    return [id, name, written];
  }
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
