import type { RandomIndex } from '../core/random.ts';

export interface RetrySettings {
  /** Most retries of one call. */
  most: number;
  /** Milliseconds around which the first wait lies; each further one is twice as long. */
  baseMs: number;
  /** Longest wait of our own choosing, in milliseconds. */
  capMs: number;
  /** Longest wait that a server may ask for; a call whose server asks for more is given up. */
  longestRetryAfterMs: number;
}

export const RETRIES: RetrySettings = {
  most: 2,
  baseMs: 500,
  capMs: 8000,
  longestRetryAfterMs: 30_000,
};

/**
 * Milliseconds before a retry, or `undefined` when the server asks for too long a wait. Half of a
 * wait is left to chance, so that callers who failed together do not come back together; a
 * server's own wait is never cut short.
 * @param retry which retry of the call it is, from 0
 */
export function waitBeforeRetry(
  settings: RetrySettings,
  retry: number,
  retryAfterMs: number | undefined,
  random: RandomIndex,
): number | undefined {
  if (retryAfterMs !== undefined && retryAfterMs > settings.longestRetryAfterMs) return undefined;
  const backoff = Math.min(settings.baseMs * 2 ** retry, settings.capMs);
  const half = Math.ceil(backoff / 2);
  return retryAfterMs === undefined ? half + random(half + 1) : retryAfterMs + random(half + 1);
}

/** Keeps retries a small part of all calls, so that a server in trouble is not buried under them. */
export interface RetryBudget {
  /** A call has begun, and earns its share of a retry. */
  earn(): void;
  /** Takes one retry, if there is one. */
  spend(): boolean;
}

/** Retries per call in the long run. */
const SHARE = 0.2;
/** Retries that a quiet time saves up, and that the first calls have. */
const SAVINGS = 10;

export function createRetryBudget(): RetryBudget {
  let retries = SAVINGS;
  return {
    earn() {
      retries = Math.min(retries + SHARE, SAVINGS);
    },
    spend() {
      if (retries < 1) return false;
      retries -= 1;
      return true;
    },
  };
}
