import type { RouteAnswer, RouteEvent } from '../routing/router.ts';
import type { RouteRequest } from '../routing/decision.ts';
import type { Failure } from './failures.ts';

/** How a family of clients is spoken to. */
export interface Dialect {
  name: 'openai' | 'anthropic' | 'ollama';
  /** Media type of a stream. */
  streamType: string;
  statusOf(failure: Failure): number;
  /** The body of an error. @param httpId of the HTTP request */
  failureBody(failure: Failure, httpId: string): string;
  /** What ends a stream that failed after it began. */
  failureEvent(failure: Failure, httpId: string): string;
}

/** What is known of an answer when it begins. */
export interface AnswerHead {
  /** Under which the router records it. */
  requestId: string;
  /** Who answers. */
  target: string;
  /** Milliseconds since the Unix epoch. */
  now: () => number;
  /** Milliseconds since the request came. */
  elapsedMs: () => number;
}

export type Piece = Extract<RouteEvent, { type: 'text' | 'thinking' | 'tool-call' }>;

/** Writes one answer: in one piece, or as a stream of `opening`, `piece`s and `closing`. */
export interface AnswerWriter {
  whole(answer: RouteAnswer): string;
  opening(): string;
  piece(piece: Piece): string;
  closing(answer: RouteAnswer): string;
}

/** A request for a completion, out of its dialect. */
export interface Call {
  request: RouteRequest;
  stream: boolean;
  writer: (head: AnswerHead) => AnswerWriter;
}
