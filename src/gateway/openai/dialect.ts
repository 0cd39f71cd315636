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
  busy: 429,
  overloaded: 503,
  unavailable: 503,
  upstream: 502,
  'upstream-timeout': 504,
  internal: 500,
};

/** Codes that clients of OpenAI know by name; ours for the rest. */
const CODES: Partial<Record<Fault, string>> = {
  unauthorized: 'invalid_api_key',
  'not-found': 'model_not_found',
  'context-too-long': 'context_length_exceeded',
};

/** Errors as OpenAI tells them. */
export const OPENAI: Dialect = {
  name: 'openai',
  streamType: 'text/event-stream; charset=utf-8',
  statusOf: ({ fault }) => STATUS[fault],
  failureBody: (failure) => JSON.stringify(errorOf(failure)),
  failureEvent: (failure) => `data: ${JSON.stringify(errorOf(failure))}\n\n`,
};

function errorOf(failure: Failure): unknown {
  const { fault, code, message, field } = failure;
  const known = code === 'gateway.unknown-route' ? undefined : CODES[fault];
  return {
    error: { message, type: typeOf(STATUS[fault]), param: field ?? null, code: known ?? code },
  };
}

function typeOf(status: number): string {
  if (status === 429) return 'rate_limit_error';
  return status < 500 ? 'invalid_request_error' : 'server_error';
}
