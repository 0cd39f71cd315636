import type { Dialect } from '../dialect.ts';
import type { Failure, Fault } from '../failures.ts';

const STATUS: Record<Fault, number> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  'too-slow': 408,
  conflict: 409,
  'too-large': 413,
  'context-too-long': 400,
  'rate-limited': 429,
  busy: 503,
  overloaded: 503,
  unavailable: 503,
  upstream: 502,
  'upstream-timeout': 504,
  internal: 500,
};

/** Errors as Ollama tells them, with our code beside the message. */
export const OLLAMA: Dialect = {
  name: 'ollama',
  streamType: 'application/x-ndjson',
  statusOf: ({ fault }) => STATUS[fault],
  failureBody: errorOf,
  failureEvent: (failure) => `${errorOf(failure)}\n`,
};

function errorOf({ code, message }: Failure): string {
  return JSON.stringify({ error: message, code });
}
