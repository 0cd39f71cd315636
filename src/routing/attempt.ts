import type { Clock } from '../core/clock.ts';
import type { RandomIndex } from '../core/random.ts';
import type { Completion, CompletionRequest, Timing, Usage } from '../core/request.ts';
import { ProviderFailure, usageOfFailure, type FailureClass } from '../providers/failure.ts';
import type { CallOptions, EmbedOptions, Provider, StreamEvent } from '../providers/provider.ts';
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
  /** What it failed with. */
  failure?: ProviderFailure;
}

/** Told that a request goes out. What it gives back is called exactly once, before the caller hears of the request's end. */
export type AttemptListener = () => (attempt: AttemptReport) => void;

export interface ResilientCallOptions extends CallOptions {
  onAttempt?: AttemptListener;
}

/** What a caller may know of a call besides its answer. */
export interface ResilientProvider extends Provider {
  /** @param options `onToken` is called when the first token of an attempt is there */
  complete(
    request: CompletionRequest,
    options?: ResilientCallOptions & { onToken?: () => void },
  ): Promise<Completion>;
  /** An abort with a `ProviderFailure` as its reason throws that failure instead of finishing as cancelled. */
  stream(request: CompletionRequest, options?: ResilientCallOptions): AsyncIterable<StreamEvent>;
  embed(
    texts: readonly string[],
    options?: ResilientCallOptions & EmbedOptions,
  ): Promise<number[][]>;
}

export interface ResilientProviderOptions {
  breaker: CircuitBreaker;
  clock: Clock;
  /** Spreads retries. */
  random: RandomIndex;
  /** Milliseconds for a whole call, all its attempts and waits included. */
  totalMs: number;
  retries?: RetrySettings;
  /** Told when the breaker could not take note of an attempt's end; the answer is given all the same. */
  onTrouble?: (error: unknown) => void;
}

/** An attempt that is under way. */
interface Attempt {
  /** Whether its end is known; what is told of it later is not heard. */
  isSettled(): boolean;
  firstToken(): void;
  succeeded(told: { usage?: Usage | undefined; timing?: Timing }): void;
  failed(failure: ProviderFailure, usage?: Usage): void;
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
): ResilientProvider {
  const { breaker, clock, random, totalMs, retries = RETRIES, onTrouble = () => {} } = options;
  const budget = createRetryBudget();
  const leftAlone = (): boolean => breaker.state() === 'open';
  const settings = { clock, random, totalMs, retries, budget, leftAlone };

  function beginAttempt(call: Call, onAttempt: AttemptListener | undefined): Attempt {
    call.begin();
    const admission = breaker.admit();
    if (!admission.admitted) throw openFailure(provider.id, admission.until, clock.now());
    const { pass } = admission;
    const ended = onAttempt?.();
    const startedAt = clock.now();
    const start = clock.monotonic();
    let ttftMs: number | undefined;
    let settled = false;

    function settle(failure: ProviderFailure | undefined, usage: Usage | undefined): void {
      if (settled) return;
      settled = true;
      try {
        if (failure === undefined) pass.succeeded(ttftMs);
        else pass.failed(failure.failure);
      } catch (error) {
        onTrouble(error);
      }
      ended?.({
        providerId: provider.id,
        startedAt,
        outcome: failure?.failure ?? 'ok',
        ...(usage === undefined ? {} : { usage }),
        ...(ttftMs === undefined ? {} : { ttftMs }),
        totalMs: clock.monotonic() - start,
        ...(failure === undefined ? {} : { failure }),
      });
    }

    return {
      isSettled: () => settled,
      firstToken() {
        ttftMs ??= clock.monotonic() - start;
      },
      succeeded({ usage, timing }) {
        ttftMs ??= timing?.ttftMs;
        settle(undefined, usage);
      },
      failed: settle,
    };
  }

  /** Tries until there is a result or nothing more to try. */
  async function insist<Result>(
    { signal, onAttempt }: ResilientCallOptions,
    once: (call: Call, attempt: Attempt) => Promise<Result>,
  ): Promise<Result> {
    const call = beginCall(settings, signal);
    try {
      while (true) {
        const attempt = beginAttempt(call, onAttempt);
        try {
          return await once(call, attempt);
        } catch (error) {
          // An answer that could not be recorded is no reason to ask for another one.
          if (attempt.isSettled()) throw error;
          const failure = call.failureOf(error);
          attempt.failed(failure, usageOfFailure(error));
          await call.beforeRetry(failure);
        }
      }
    } finally {
      call.end();
    }
  }

  async function* streamOnce(
    request: CompletionRequest,
    call: Call,
    attempt: Attempt,
    session: string | undefined,
  ): AsyncGenerator<StreamEvent> {
    const callOptions = { signal: call.signal, ...(session === undefined ? {} : { session }) };
    for await (const event of provider.stream(request, callOptions)) {
      if (event.type !== 'finished') {
        attempt.firstToken();
        yield event;
        continue;
      }
      const { completion } = event;
      if (completion.finishReason === 'cancelled') {
        const failure = call.failureOf(cancelledFailure());
        attempt.failed(failure, completion.usage);
        if (failure.failure !== 'cancelled') throw failure;
      }
      attempt.succeeded(completion);
      yield { type: 'finished', completion: call.asCalled(completion) };
      return;
    }
    throw new ProviderFailure('truncated-stream', 'The stream ended without an end.');
  }

  async function* stream(
    request: CompletionRequest,
    { signal, session, onAttempt }: ResilientCallOptions = {},
  ): AsyncGenerator<StreamEvent> {
    const call = beginCall(settings, signal);
    try {
      while (true) {
        const attempt = beginAttempt(call, onAttempt);
        let committed = false;
        try {
          for await (const event of streamOnce(request, call, attempt, session)) {
            committed = true;
            yield event;
          }
          return;
        } catch (error) {
          if (attempt.isSettled()) throw error;
          const failure = call.failureOf(error);
          attempt.failed(failure, usageOfFailure(error));
          if (committed) throw failure;
          await call.beforeRetry(failure);
        } finally {
          // A reader who leaves the loop early wants no more of the answer.
          attempt.failed(cancelledFailure());
        }
      }
    } finally {
      call.end();
    }
  }

  return {
    id: provider.id,
    // Read from a stream, so that the first token is known when it comes and what was used when it is cancelled.
    complete: (request, callOptions = {}) =>
      insist(callOptions, async (call, attempt) => {
        for await (const event of streamOnce(request, call, attempt, callOptions.session)) {
          if (event.type !== 'finished') callOptions.onToken?.();
          else if (event.completion.finishReason === 'cancelled') break;
          else return event.completion;
        }
        throw cancelledFailure();
      }),
    stream,
    embed: (texts, callOptions = {}) =>
      insist(callOptions, async (call, attempt) => {
        let usage: Usage | undefined;
        const onUsage = (told: Usage): void => {
          usage = told;
          callOptions.onUsage?.(told);
        };
        const vectors = await provider.embed(texts, { signal: call.signal, onUsage });
        attempt.succeeded({ usage });
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
