/** A function that the model may ask its caller to run. */
export interface Tool {
  name: string;
  description?: string;
  /** JSON Schema of its arguments. */
  parameters: Readonly<Record<string, unknown>>;
  /** Holds the arguments to their schema, where the server can. */
  strict?: boolean;
}

/** A model's wish to have a tool run. */
export interface ToolCall {
  /** Ties the tool's result to the call. */
  id: string;
  name: string;
  /** JSON, as the model wrote it: it may break the tool's schema, or be no JSON at all. */
  arguments: string;
}

/** One turn of a conversation. */
export type Message =
  | { role: 'system' | 'user'; content: string }
  | { role: 'assistant'; content: string; toolCalls?: readonly ToolCall[] }
  /** What a tool gave, for the call of that id. */
  | { role: 'tool'; content: string; toolCallId: string };

/** Whether and which tool is to be called; `auto` leaves it to the model. */
export type ToolChoice = 'auto' | 'none' | 'required' | { name: string };

/** The shape an answer must have, where the provider can hold the model to it. */
export type ResponseFormat =
  | { type: 'json' }
  | { type: 'json-schema'; name: string; schema: Readonly<Record<string, unknown>> };

/** What a caller asks of a language model. Every field here takes part in the key of a recording. */
export interface CompletionRequest {
  messages: readonly Message[];
  /** Most tokens the answer may have. */
  maxTokens: number;
  /** 0 is greedy. */
  temperature: number;
  /** Seeds the sampler; the same seed, model and request give the same answer where the provider honours seeds. */
  seed: number;
  /** Which repetition of the same request this is, from 0. */
  repeat: number;
  /** Nucleus sampling; the provider's own when absent. */
  topP?: number;
  /** The answer ends before any of these. */
  stop?: readonly string[];
  tools?: readonly Tool[];
  toolChoice?: ToolChoice;
  responseFormat?: ResponseFormat;
}

/** Tokens as the provider reports them; what it does not report is absent, never guessed. */
export interface Usage {
  /** Tokens of the prompt, those served from a prefix cache or written to it included. */
  inputTokens?: number;
  outputTokens?: number;
  /** The part of `inputTokens` that came from a prefix cache. */
  cachedInputTokens?: number;
  /** The part of `inputTokens` that was written to a prefix cache whose writing is billed. */
  cacheWriteTokens?: number;
  /** The part of `cacheWriteTokens` that is kept for an hour, not for five minutes. */
  cacheWriteHourTokens?: number;
  /** The part of `outputTokens` that was thought and not said. */
  reasoningTokens?: number;
}

export interface Timing {
  /** Milliseconds from the call to the first token. Absent when no token came. */
  ttftMs?: number;
  /** Milliseconds from the call to the last token. Absent for an answer that nobody timed. */
  totalMs?: number;
  /** False for an answer replayed from a recording: its times are not this run's. */
  measured: boolean;
}

/** Why an answer ended: by itself, at `maxTokens`, to have tools run, or because the caller aborted. */
export type FinishReason = 'stop' | 'length' | 'tool-calls' | 'cancelled';

export interface Completion {
  /** The provider's id for the model that answered. */
  model: string;
  text: string;
  /** What a reasoning model thought before it answered; no part of `text`. */
  thinking?: string;
  /** Never empty. */
  toolCalls?: readonly ToolCall[];
  finishReason: FinishReason;
  usage: Usage;
  timing: Timing;
}
