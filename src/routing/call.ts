import { createAbort } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import type { RandomIndex } from '../core/random.ts';
import type { Completion } from '../core/request.ts';
import { classify } from '../providers/classify.ts';
import { ProviderFailure, traitsOf } from '../providers/failure.ts';
import { waitBeforeRetry, type RetryBudget, type RetrySettings } from './retry-policy.ts';

/** One call of a caller, with all its attempts and the waits between them. */
export interface Call {
  /** Aborts when the caller does, or when the call's time is over. */
  readonly signal: AbortSignal;
  /** The next attempt begins. Throws where the call is over. */
  begin(): void;
  /**
   * What to throw for a thrown value. What was cancelled because the call's time is over is a
   * `timeout`; what a caller aborted with a failure as the reason is that failure.
   */
  failureOf(thrown: unknown): ProviderFailure;
  /** Waits until it is time to try again, or throws `failure` when nothing is to be tried. */
  beforeRetry(failure: ProviderFailure): Promise<void>;
  /** An answer of the last attempt with the caller's own times, longer by what came before. */
  asCalled(completion: Completion): Completion;
  end(): void;
}

export interface CallSettings {
  clock: Clock;
  random: RandomIndex;
  /** Milliseconds for the whole call. */
  totalMs: number;
  retries: RetrySettings;
  budget: RetryBudget;
  /** Whether there is no point in another attempt for now. */
  leftAlone: () => boolean;
}

/** An end without a reason of its own would make one, with a stack, for each call. */
const ENDED = new Error('The call has ended.');

export function beginCall(settings: CallSettings, caller: AbortSignal | undefined): Call {
  const { clock, random, totalMs, retries, budget, leftAlone } = settings;
  const start = clock.monotonic();
  const controller = createAbort();
  const ended = createAbort();
  let late = false;
  let retried = 0;
  let waitedMs = 0;

  const abort = (): void => controller.abort(caller?.reason);
  if (caller?.aborted === true) abort();
  else caller?.addEventListener('abort', abort, { once: true });
  budget.earn();
  void watchTime();

  async function watchTime(): Promise<void> {
    try {
      await clock.sleep(totalMs, ended.signal);
    } catch {
      return;
    }
    late = true;
    controller.abort();
  }

  function failureOf(thrown: unknown): ProviderFailure {
    const failure = thrown instanceof ProviderFailure ? thrown : wrapped(thrown);
    if (failure.failure !== 'cancelled') return failure;
    if (late) {
      return new ProviderFailure('timeout', `There was no whole answer within ${totalMs} ms.`);
    }
    const why: unknown = caller?.aborted === true ? caller.reason : undefined;
    return why instanceof ProviderFailure ? why : failure;
  }

  return {
    signal: controller.signal,
    begin() {
      if (controller.signal.aborted) throw failureOf(cancelledFailure());
      waitedMs = clock.monotonic() - start;
    },
    failureOf,
    async beforeRetry(failure) {
      const wait = waitBeforeRetry(retries, retried, failure.retryAfterMs, random);
      if (
        !traitsOf(failure.failure).retryable ||
        retried >= retries.most ||
        wait === undefined ||
        clock.monotonic() - start + wait >= totalMs ||
        controller.signal.aborted ||
        leftAlone() ||
        !budget.spend()
      ) {
        throw failure;
      }
      retried += 1;
      await clock.sleep(wait, controller.signal).catch(() => {
        throw failureOf(cancelledFailure());
      });
    },
    asCalled(completion) {
      if (retried === 0) return completion;
      const { ttftMs, totalMs: answerMs, ...timing } = completion.timing;
      return {
        ...completion,
        timing: {
          ...timing,
          ...(ttftMs === undefined ? {} : { ttftMs: waitedMs + ttftMs }),
          ...(answerMs === undefined ? {} : { totalMs: waitedMs + answerMs }),
        },
      };
    },
    end() {
      ended.abort(ENDED);
      caller?.removeEventListener('abort', abort);
    },
  };
}

export function cancelledFailure(): ProviderFailure {
  return new ProviderFailure('cancelled', 'The call was cancelled.');
}

function wrapped(thrown: unknown): ProviderFailure {
  const { failure, message } = classify({ error: thrown });
  return new ProviderFailure(failure, message, { cause: thrown });
}
