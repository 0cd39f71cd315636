import type { Clock } from '../core/clock.ts';
import type { RandomIndex } from '../core/random.ts';
import type { Completion, Usage } from '../core/request.ts';
import { ProviderFailure, type FailureClass } from '../providers/failure.ts';
import type { CallOptions, Provider, StreamEvent } from '../providers/provider.ts';
import { beginCall, cancelledFailure, type Call } from './call.ts';
import type { CircuitBreaker } from './circuit-breaker.ts';
import { createRetryBudget, RETRIES, type RetrySettings } from './retry-policy.ts';

/** One request that went to a provider, as it is billed and recorded. */
export interface AttemptReport {
  providerId: string;
  /** Milliseconds since the Unix epoch. */
  startedAt: number;
  outcome: 'ok' | FailureClass;
  /** What the provider reported. Absent where it reported nothing. */
  usage?: Usage;
  /** Milliseconds to the first token. */
  ttftMs?: number;
  /** Milliseconds to the end of the attempt, however it ended. */
  totalMs: number;
}

export interface ResilientProviderOptions {
  breaker: CircuitBreaker;
  clock: Clock;
  /** Spreads retries. */
  random: RandomIndex;
  /** Milliseconds for a whole call, all its attempts and waits included. */
  totalMs: number;
  retries?: RetrySettings;
  /** Called exactly once for every request that went out, before its caller hears of its end. */
  onAttempt?: (attempt: AttemptReport) => void;
}

/** An attempt that is under way. */
interface Attempt {
  /** Whether its end is known; what is told of it later is not heard. */
  readonly settled: boolean;
  firstToken(): void;
  succeeded(completion?: Completion): void;
  failed(failure: FailureClass, usage?: Usage): void;
}

/**
 * A provider that is tried again after failures that pass, and left alone while its breaker is
 * open. Nothing is tried again once the caller has text of an answer: the second answer would not
 * go on where the first broke off. A call that ends without an answer throws its last failure, or
 * `breaker-open` when nothing was sent; an abort between two attempts throws `cancelled`.
 */
export function createResilientProvider(
  provider: Provider,
  options: ResilientProviderOptions,
): Provider {
  const { breaker, clock, random, totalMs, retries = RETRIES, onAttempt = () => {} } = options;
  const budget = createRetryBudget();
  const leftAlone = (): boolean => breaker.state() === 'open';
  const settings = { clock, random, totalMs, retries, budget, leftAlone };

  function beginAttempt(call: Call): Attempt {
    call.begin();
    const admission = breaker.admit();
    if (!admission.admitted) throw openFailure(provider.id, admission.until, clock.now());
    const { pass } = admission;
    const startedAt = clock.now();
    const start = clock.monotonic();
    let ttftMs: number | undefined;
    let settled = false;

    function settle(outcome: AttemptReport['outcome'], usage: Usage | undefined): void {
      if (settled) return;
      settled = true;
      if (outcome === 'ok') pass.succeeded(ttftMs);
      else pass.failed(outcome);
      onAttempt({
        providerId: provider.id,
        startedAt,
        outcome,
        ...(usage === undefined ? {} : { usage }),
        ...(ttftMs === undefined ? {} : { ttftMs }),
        totalMs: clock.monotonic() - start,
      });
    }

    return {
      get settled() {
        return settled;
      },
      firstToken() {
        ttftMs ??= clock.monotonic() - start;
      },
      succeeded(completion) {
        ttftMs ??= completion?.timing.ttftMs;
        settle('ok', completion?.usage);
      },
      failed: settle,
    };
  }

  /** Tries until there is a result or nothing more to try. */
  async function insist<Result>(
    signal: AbortSignal | undefined,
    once: (call: Call, attempt: Attempt) => Promise<Result>,
  ): Promise<Result> {
    const call = beginCall(settings, signal);
    try {
      while (true) {
        const attempt = beginAttempt(call);
        try {
          return await once(call, attempt);
        } catch (error) {
          // An answer that could not be recorded is no reason to ask for another one.
          if (attempt.settled) throw error;
          const failure = call.failureOf(error);
          attempt.failed(failure.failure);
          await call.beforeRetry(failure);
        }
      }
    } finally {
      call.end();
    }
  }

  async function* streamOnce(
    request: Parameters<Provider['stream']>[0],
    call: Call,
    attempt: Attempt,
  ): AsyncGenerator<StreamEvent> {
    for await (const event of provider.stream(request, { signal: call.signal })) {
      if (event.type !== 'finished') {
        attempt.firstToken();
        yield event;
        continue;
      }
      const { completion } = event;
      if (completion.finishReason === 'cancelled') {
        const failure = call.failureOf(cancelledFailure());
        attempt.failed(failure.failure, completion.usage);
        if (failure.failure !== 'cancelled') throw failure;
      }
      attempt.succeeded(completion);
      yield { type: 'finished', completion: call.asCalled(completion) };
      return;
    }
    throw new ProviderFailure('truncated-stream', 'The stream ended without an end.');
  }

  async function* stream(
    request: Parameters<Provider['stream']>[0],
    { signal }: CallOptions = {},
  ): AsyncGenerator<StreamEvent> {
    const call = beginCall(settings, signal);
    try {
      while (true) {
        const attempt = beginAttempt(call);
        let committed = false;
        try {
          for await (const event of streamOnce(request, call, attempt)) {
            committed = true;
            yield event;
          }
          return;
        } catch (error) {
          if (attempt.settled) throw error;
          const failure = call.failureOf(error);
          attempt.failed(failure.failure);
          if (committed) throw failure;
          await call.beforeRetry(failure);
        } finally {
          // A reader who leaves the loop early wants no more of the answer.
          attempt.failed('cancelled');
        }
      }
    } finally {
      call.end();
    }
  }

  return {
    id: provider.id,
    complete: (request, { signal } = {}) =>
      insist(signal, async (call, attempt) => {
        const completion = await provider.complete(request, { signal: call.signal });
        attempt.succeeded(completion);
        return call.asCalled(completion);
      }),
    stream,
    embed: (texts, { signal } = {}) =>
      insist(signal, async (call, attempt) => {
        const vectors = await provider.embed(texts, { signal: call.signal });
        attempt.succeeded();
        return vectors;
      }),
    countTokens: (text) => provider.countTokens(text),
    health: () => provider.health(),
    metadata: () => provider.metadata(),
    shutdown: () => provider.shutdown(),
  };
}

function openFailure(id: string, until: number, now: number): ProviderFailure {
  const seconds = Math.max(1, Math.ceil((until - now) / 1000));
  return new ProviderFailure('breaker-open', `${id} has failed too often and is left alone.`, {
    hint: `It is tried again in ${seconds} s, at ${new Date(until).toISOString()}.`,
    retryAfterMs: Math.max(0, until - now),
  });
}
