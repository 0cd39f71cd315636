import type { Clock } from '../../core/clock.ts';
import { failureClassOf, type FailureClass } from '../../providers/failure.ts';
import type { Provider } from '../../providers/provider.ts';
import type { Recording } from '../../providers/replay/recording.ts';
import type { AttemptReport } from '../../routing/attempt.ts';
import type { Ask } from './asks.ts';
import type { Budget } from './budget.ts';
import { generate, type GenerationProgress } from './generate.ts';

/** What becomes of the questions to one side. */
export interface SideListener {
  onAsked(ask: Ask): void;
  onProgress(ask: Ask, progress: GenerationProgress): void;
  /** @returns US dollars that it cost; `undefined` where that is not known */
  onAttempt(ask: Ask, attempt: AttemptReport): number | undefined;
  /** The next question waits for it. */
  onAnswer(ask: Ask, recording: Recording): void | Promise<void>;
  /** Infrastructure failed on this one alone. */
  onError(ask: Ask, error: unknown): void;
}

export interface SideOptions {
  /** Names the side's price. */
  spec: string;
  clock: Clock;
  budget: Budget;
  /** Questions under way at once. */
  concurrency: number;
  signal: AbortSignal;
}

/**
 * Asks one side, as many questions at once as it answers without slowing down.
 * @throws AppError whatever makes every further question pointless; `baseline.over-budget` once the
 * questions under way are answered
 */
export async function askSide(
  provider: Provider,
  asks: readonly Ask[],
  { spec, clock, budget, concurrency, signal }: SideOptions,
  listener: SideListener,
): Promise<void> {
  const waiting = [...asks];
  let stopped: { by: unknown } | undefined;

  const askOne = async (ask: Ask): Promise<void> => {
    const settle = budget.admit(spec, ask.request);
    listener.onAsked(ask);
    let usd: number | undefined = 0;
    try {
      const recording = await generate(provider, ask.request, {
        clock,
        signal,
        onProgress: (progress) => listener.onProgress(ask, progress),
        onAttempt: () => (attempt) => {
          const charged = listener.onAttempt(ask, attempt);
          usd = usd === undefined || charged === undefined ? undefined : usd + charged;
        },
      });
      await listener.onAnswer(ask, recording);
    } catch (error) {
      if (concernsEveryTask(error)) throw error;
      listener.onError(ask, error);
    } finally {
      settle(usd);
    }
  };

  const worker = async (most: number): Promise<void> => {
    for (let asked = 0; asked < most && stopped === undefined; asked++) {
      const ask = waiting.shift();
      if (ask === undefined) return;
      signal.throwIfAborted();
      try {
        await askOne(ask);
      } catch (error) {
        stopped ??= { by: error };
      }
    }
  };
  // The first one alone: what would meet all of them is met once.
  await worker(1);
  await Promise.all(Array.from({ length: concurrency }, () => worker(Infinity)));
  if (stopped !== undefined) throw stopped.by;
}

const LASTING: ReadonlySet<FailureClass> = new Set([
  'cancelled',
  'breaker-open',
  'auth',
  'spend-limit',
  'model-missing',
  'model-unreadable',
]);

/** Whether a failure would meet every further task as well, so that the run had better stop. */
function concernsEveryTask(error: unknown): boolean {
  const failure = failureClassOf(error);
  return failure === undefined || LASTING.has(failure);
}
