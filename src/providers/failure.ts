import { AppError, ExitCode, type AppErrorOptions } from '../core/errors.ts';
import type { Usage } from '../core/request.ts';

interface Traits {
  /** The same call may succeed a little later. */
  retryable: boolean;
  /** It says something about the provider, and so counts for its circuit breaker. */
  countsForBreaker: boolean;
  /** Another provider may answer where this one did not. */
  mayFailOver: boolean;
}

const PASSING: Traits = { retryable: true, countsForBreaker: true, mayFailOver: true };
const LASTING: Traits = { retryable: false, countsForBreaker: true, mayFailOver: true };
const LACKING: Traits = { retryable: false, countsForBreaker: false, mayFailOver: true };
const CALLERS: Traits = { retryable: false, countsForBreaker: false, mayFailOver: false };

const TRAITS = {
  /** No connection, or it broke before an answer began. */
  transport: PASSING,
  /** A deadline passed after the first token, or while connecting. */
  timeout: PASSING,
  'first-token-timeout': PASSING,
  /** The server has too much to do, or failed on its side (5xx). */
  overloaded: PASSING,
  'rate-limited': PASSING,
  'engine-crashed': PASSING,
  /** A stream ended without its end mark. */
  'truncated-stream': PASSING,
  /** The answer is not what the protocol promises. */
  malformed: PASSING,
  auth: LASTING,
  'spend-limit': LASTING,
  'model-missing': LASTING,
  'model-unreadable': LASTING,
  'context-too-long': LACKING,
  /** The provider has failed too often lately and is left alone for a while; nothing was sent. */
  'breaker-open': LACKING,
  'recording-missing': LACKING,
  unsupported: LACKING,
  'bad-request': CALLERS,
  cancelled: CALLERS,
} as const satisfies Record<string, Traits>;

/** What went wrong with a call, as one word that decides what happens next. */
export type FailureClass = keyof typeof TRAITS;

/** Whether a failure is tried again, counts against the provider, and may be answered by another one. */
export function traitsOf(failure: FailureClass): Traits {
  return TRAITS[failure];
}

/** A failed call. Its code is `provider.<class>`. */
export class ProviderFailure extends AppError {
  readonly failure: FailureClass;
  /** Milliseconds that the server asks callers to wait. */
  readonly retryAfterMs: number | undefined;
  /** What the server had said was used when the answer broke off: it is billed all the same. */
  usage: Usage | undefined;

  constructor(
    failure: FailureClass,
    message: string,
    options: AppErrorOptions & { retryAfterMs?: number | undefined } = {},
  ) {
    super(`provider.${failure}`, message, {
      exitCode: failure === 'cancelled' ? ExitCode.Interrupted : ExitCode.Usage,
      ...options,
    });
    this.failure = failure;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** The failure class of a thrown value, or `undefined` when no provider threw it. */
export function failureClassOf(thrown: unknown): FailureClass | undefined {
  return thrown instanceof ProviderFailure ? thrown.failure : undefined;
}

/** What was used by a call that failed, as far as the server had told. */
export function usageOfFailure(thrown: unknown): Usage | undefined {
  return thrown instanceof ProviderFailure ? thrown.usage : undefined;
}
