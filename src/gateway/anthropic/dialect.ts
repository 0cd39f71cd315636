import type { Dialect } from '../dialect.ts';
import type { Failure, Fault } from '../failures.ts';

const STATUS: Record<Fault, [status: number, type: string]> = {
  invalid: [400, 'invalid_request_error'],
  unauthorized: [401, 'authentication_error'],
  forbidden: [403, 'permission_error'],
  'not-found': [404, 'not_found_error'],
  'too-slow': [408, 'invalid_request_error'],
  conflict: [409, 'invalid_request_error'],
  'too-large': [413, 'request_too_large'],
  'context-too-long': [400, 'invalid_request_error'],
  'rate-limited': [429, 'rate_limit_error'],
  busy: [529, 'overloaded_error'],
  overloaded: [529, 'overloaded_error'],
  unavailable: [503, 'api_error'],
  upstream: [502, 'api_error'],
  'upstream-timeout': [504, 'timeout_error'],
  internal: [500, 'api_error'],
};

/** Errors as Anthropic tells them, with our code beside theirs. */
export const ANTHROPIC: Dialect = {
  name: 'anthropic',
  streamType: 'text/event-stream; charset=utf-8',
  statusOf: ({ fault }) => STATUS[fault][0],
  failureBody: (failure, httpId) => JSON.stringify(errorOf(failure, httpId)),
  failureEvent: (failure, httpId) =>
    `event: error\ndata: ${JSON.stringify(errorOf(failure, httpId))}\n\n`,
};

function errorOf({ fault, code, message }: Failure, httpId: string): object {
  return { type: 'error', error: { type: STATUS[fault][1], message, code }, request_id: httpId };
}
