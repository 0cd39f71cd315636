import type { Completion, Usage } from '../core/request.ts';
import type { CallOptions, StreamEvent } from '../providers/provider.ts';
import type { Decision, RouteRequest, Tier } from './decision.ts';

export interface RouteAnswer {
  /** Under which the request is recorded. */
  requestId: string;
  completion: Completion;
  tier: Tier;
  /** Who answered. */
  target: string;
  decision: Decision;
  /** How many requests went out for it. */
  attempts: number;
  /** Of all attempts; absent where one has no known price. */
  usd?: number;
  /** Milliseconds from the request to the end of its answer. */
  totalMs: number;
  /** Milliseconds of the whole that no target was at work. */
  overheadMs: number;
  /** Messages of the session that did not fit into the context any more. */
  dropped: number;
}

export type RouteEvent =
  /** Before anything is sent. */
  | { type: 'decided'; requestId: string; decision: Decision }
  /** The commit point: this target's answer follows. */
  | { type: 'committed'; tier: Tier; target: string; attempts: number }
  | Exclude<StreamEvent, { type: 'finished' }>
  | { type: 'finished'; answer: RouteAnswer };

/** A model that `model` of a request may name. */
export interface RoutableModel {
  /** `<server>:<model>`. */
  id: string;
  tier: Tier;
  contextTokens?: number;
  /** How many requests it answers at once without slowing each other down. Absent where unknown. */
  concurrency?: number;
}

export interface EmbedCallOptions extends CallOptions {
  /** A target, or the bare name of a model. */
  model?: string;
  /** Who asks, for the ledger. */
  agent?: string;
  session?: string;
}

export interface Embedded {
  /** `<server>:<model>`. */
  target: string;
  vectors: number[][];
  /** Absent where the target tells none. */
  usage?: Usage;
}

/** One request, told as a walk: describe, recall, decide, attempt, refine, record, learn. */
export interface Router {
  /** @throws ProviderFailure of the last target asked; AppError `route.*` when nobody could be asked */
  complete(request: RouteRequest, options?: CallOptions): Promise<RouteAnswer>;
  /**
   * The same as it comes. An abort by the caller ends it with `finishReason: 'cancelled'`. Nothing
   * is asked of another target after `committed`.
   */
  stream(request: RouteRequest, options?: CallOptions): AsyncIterable<RouteEvent>;
  /** What would be decided now; nothing is sent and nothing recorded. */
  explain(request: RouteRequest): Promise<Decision>;
  /** @param options.ask a target that is asked for what is not known of it yet, which may load a model */
  models(options?: { ask?: string }): Promise<RoutableModel[]>;
  /** From the first local target that has embeddings, or the named one. */
  embed(texts: readonly string[], options?: EmbedCallOptions): Promise<Embedded>;
  /** Waits for what runs, then frees what the targets hold. */
  close(): Promise<void>;
}
