import type { Completion, CompletionRequest, ToolCall, Usage } from '../core/request.ts';

export type StreamEvent =
  | { type: 'text'; text: string }
  | { type: 'thinking'; text: string }
  /** A whole call; it is part of `completion.toolCalls` too. */
  | { type: 'tool-call'; call: ToolCall }
  | { type: 'finished'; completion: Completion };

export interface CallOptions {
  /** Aborting ends the call; a stream then finishes with `finishReason: 'cancelled'` and the text so far. */
  signal?: AbortSignal;
  /**
   * The conversation that the request goes on with. A provider that can keeps the beginning of its
   * prompt at hand for the next turn; the texts of equal requests may then differ by rounding.
   */
  session?: string;
}

export interface EmbedOptions extends CallOptions {
  /** Told what was used, where the provider says so. */
  onUsage?: (usage: Usage) => void;
}

export type Health =
  | { state: 'ready'; detail: string }
  | { state: 'unavailable'; detail: string; hint: string };

export interface ProviderMetadata {
  /** Provider kind and model, as in `embedded:qwen2.5-coder-1.5b-instruct`. */
  id: string;
  model: string;
  /** Most tokens prompt and answer may have together. Absent where unknown. */
  contextTokens?: number;
  /** Facts worth a line in a report: engine version, quantisation, GPU, threads. */
  versions: Record<string, string>;
  /** How many requests the provider answers at once without slowing each other down. */
  concurrency: number;
  /** True when answers come from a recording; their times are never counted as measured. */
  replayed: boolean;
}

/**
 * A source of completions. Failures are thrown as `AppError`s whose code is
 * `provider.<failure class>` (see failure.ts). Nothing is retried in here.
 */
export interface Provider {
  readonly id: string;
  /** Answers in one piece. An abort rejects with failure class `cancelled`. */
  complete(request: CompletionRequest, options?: CallOptions): Promise<Completion>;
  /** Yields text as it comes, and last of all one `finished`. */
  stream(request: CompletionRequest, options?: CallOptions): AsyncIterable<StreamEvent>;
  /** One vector per text. Throws failure class `unsupported` where the provider has no embeddings. */
  embed(texts: readonly string[], options?: EmbedOptions): Promise<number[][]>;
  /** Tokens of a text under the provider's own tokenizer; `undefined` where it has none. */
  countTokens(text: string): Promise<number | undefined>;
  health(): Promise<Health>;
  /** May load the model. */
  metadata(): Promise<ProviderMetadata>;
  /** Frees what the provider holds; safe to call twice. */
  shutdown(): Promise<void>;
}
