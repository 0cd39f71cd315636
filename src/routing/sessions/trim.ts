import type { Message } from '../../core/request.ts';
import { turnStarts } from './turns.ts';

/** What a target can hold. */
export interface PromptWindow {
  /** Most tokens of prompt and answer together; nothing is dropped where it is unknown. */
  contextTokens: number | undefined;
  /** Most tokens that the answer may have. */
  maxTokens: number;
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
  if (bytesOf(from(first)) + markTokens(from(first)) <= room) {
    return { messages: from(first), first };
  }
  const counts = await Promise.all(
    messages.slice(first).map((message) => tokensOf(message, window)),
  );
  const ahead = await Promise.all(system.map((message) => tokensOf(message, window)));
  let tokens = sum(ahead) + sum(counts);
  if (tokens <= room) return { messages: from(first), first };

  let kept = first;
  for (const next of starts.slice(1)) {
    if (tokens <= room * KEPT_SHARE) break;
    tokens -= sum(counts.slice(kept - first, next - first));
    kept = next;
  }
  return { messages: from(kept), first: kept };
}

async function tokensOf(message: Message, { countTokens }: PromptWindow): Promise<number> {
  const text = textOf(message);
  const tokens = await countTokens(text);
  return (tokens ?? Math.ceil(Buffer.byteLength(text) / BYTES_PER_TOKEN)) + TOKENS_PER_MESSAGE;
}

/** All that a template writes of a message. */
function textOf(message: Message): string {
  if (message.role !== 'assistant' || message.toolCalls === undefined) return message.content;
  const calls = message.toolCalls.map(({ name, arguments: written }) => `${name} ${written}`);
  return [message.content, ...calls].join('\n');
}

/** A tokenizer makes at most one token of a byte: what fits by its bytes needs no count. */
function bytesOf(messages: readonly Message[]): number {
  return sum(messages.map((message) => Buffer.byteLength(textOf(message))));
}

function markTokens(messages: readonly Message[]): number {
  return messages.length * TOKENS_PER_MESSAGE;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
