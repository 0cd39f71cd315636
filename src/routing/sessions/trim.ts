import type { Message, Tool } from '../../core/request.ts';
import { turnStarts } from './turns.ts';

/** What a target can hold. */
export interface PromptWindow {
  /** Most tokens of prompt and answer together; nothing is dropped where it is unknown. */
  contextTokens: number | undefined;
  /** Most tokens that the answer may have. */
  maxTokens: number;
  /** What stands before the messages in the prompt. */
  tools?: readonly Tool[] | undefined;
  /** Tokens of a text; an estimate takes the place of `undefined`. */
  countTokens: (text: string) => Promise<number | undefined>;
}

export interface TrimmedPrompt {
  messages: readonly Message[];
  /** Number of the first message of the conversation that is sent: so many are dropped. */
  first: number;
}

/** Marks of a message in the chat templates in use: role, begin, end. */
const TOKENS_PER_MESSAGE = 8;
/** English and code have three to four bytes a token; fewer is on the safe side. */
const BYTES_PER_TOKEN = 3;
/** An answer that may be as long as the window must not leave the prompt nothing. */
const ANSWER_SHARE = 1 / 4;
/** What is left of a prompt that has grown too long: many turns then begin the same way. */
const KEPT_SHARE = 0.7;

/**
 * The beginning of a prompt stays where it is, for a cached prefix is worth more than a little more
 * history, until the prompt does not fit. Then whole turns go, the oldest first, until it has 70 %
 * of what fits. System messages and the newest turn always stay; a newest turn that is too long by
 * itself is the target's to refuse.
 * @param prompt.first where the prompt began the last time, for this window
 */
export async function trimPrompt(prompt: {
  system: readonly Message[];
  messages: readonly Message[];
  first: number;
  window: PromptWindow;
}): Promise<TrimmedPrompt> {
  const { system, messages, window } = prompt;
  const from = (first: number): readonly Message[] => [...system, ...messages.slice(first)];
  const starts = turnStarts(messages).filter((start) => start >= prompt.first);
  const first = starts[0] ?? 0;
  if (window.contextTokens === undefined) return { messages: from(first), first };

  const answer = Math.min(window.maxTokens, Math.floor(window.contextTokens * ANSWER_SHARE));
  const room = window.contextTokens - answer;
  const tools = (window.tools ?? []).map((tool) => JSON.stringify(tool));
  const textFrom = (start: number): string => [...tools, ...from(start).map(textOf)].join('\n');
  const marksFrom = (start: number): number => from(start).length * TOKENS_PER_MESSAGE;
  const tokensFrom = async (start: number): Promise<number> => {
    const text = textFrom(start);
    const tokens = await window.countTokens(text);
    return (tokens ?? Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)) + marksFrom(start);
  };
  // A tokenizer makes at most one token of a byte: what fits by its bytes needs no count.
  if (Buffer.byteLength(textFrom(first)) + marksFrom(first) <= room) {
    return { messages: from(first), first };
  }
  if ((await tokensFrom(first)) <= room) return { messages: from(first), first };

  // The first turn from which on the prompt is short enough, found by halves: a count may be a request.
  let low = 1;
  let high = starts.length - 1;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if ((await tokensFrom(starts[middle] ?? first)) <= room * KEPT_SHARE) high = middle;
    else low = middle + 1;
  }
  const kept = starts[high] ?? first;
  return { messages: from(kept), first: kept };
}

/** All that a template writes of a message. */
function textOf(message: Message): string {
  if (message.role !== 'assistant' || message.toolCalls === undefined) return message.content;
  const calls = message.toolCalls.map(({ name, arguments: written }) => `${name} ${written}`);
  return [message.content, ...calls].join('\n');
}
