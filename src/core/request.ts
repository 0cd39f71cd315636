/** One turn of a conversation. */
export interface Message {
  role: 'system' | 'user' | 'assistant';
  content: string;
}

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
}

/** Tokens as the provider reports them; what it does not report is absent, never guessed. */
export interface Usage {
  /** Tokens of the prompt, those served from a prefix cache included. */
  inputTokens?: number;
  outputTokens?: number;
  /** The part of `inputTokens` that came from a prefix cache. */
  cachedInputTokens?: number;
}

export interface Timing {
  /** Milliseconds from the call to the first token. Absent when no token came. */
  ttftMs?: number;
  /** Milliseconds from the call to the last token. Absent for an answer that nobody timed. */
  totalMs?: number;
  /** False for an answer replayed from a recording: its times are not this run's. */
  measured: boolean;
}

/** Why an answer ended: by itself, at `maxTokens`, or because the caller aborted. */
export type FinishReason = 'stop' | 'length' | 'cancelled';

export interface Completion {
  /** The provider's id for the model that answered. */
  model: string;
  text: string;
  /** What a reasoning model thought before it answered; no part of `text`. */
  thinking?: string;
  finishReason: FinishReason;
  usage: Usage;
  timing: Timing;
}
