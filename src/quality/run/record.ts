import type { Clock } from '../../core/clock.ts';
import { AppError, ExitCode, messageOf } from '../../core/errors.ts';
import { createEventQueue, type EventQueue } from '../../core/event-queue.ts';
import { failureClassOf } from '../../providers/failure.ts';
import type { Provider } from '../../providers/provider.ts';
import { recordingKey } from '../../providers/replay/recording.ts';
import type { Suite } from '../suites/suite.ts';
import { asksOf } from './asks.ts';
import { askSide } from './ask-side.ts';
import { createBudget, type Money } from './budget.ts';
import { estimateSide, type SideEstimate } from './estimate.ts';
import { REFERENCE, type RunPlan } from './plan.ts';
import { openRecording } from './recording-file.ts';
import type { RunStore } from './run-store.ts';

export interface RecordingJob {
  suite: Suite;
  plan: Omit<RunPlan, 'candidates' | 'reference'>;
  spec: string;
  /** Where the answers go; what is there already is not asked again. */
  file: string;
}

export interface RecordDeps {
  store: Pick<RunStore, 'speedOf'>;
  clock: Clock;
  money: Money;
  openProvider: (spec: string) => Promise<Provider>;
}

export type RecordEvent =
  /** `known` answers are in the file. */
  | { type: 'started'; known: number; estimate: SideEstimate }
  | { type: 'progress'; taskId: string; pieces: number; elapsedMs: number }
  | { type: 'recorded'; taskId: string; done: number; total: number }
  | { type: 'failed'; taskId: string; message: string }
  /** Answers in the file, and questions that infrastructure failed on. */
  | { type: 'finished'; answers: number; errors: number };

/**
 * Asks a live side everything that a plan asks and keeps the answers in a file, each as it comes.
 * @throws AppError as `runBaseline` does; `baseline.other-recording`
 */
export function recordAnswers(
  job: RecordingJob,
  deps: RecordDeps,
  signal: AbortSignal,
): AsyncIterable<RecordEvent> {
  const events = createEventQueue<RecordEvent>();
  record(job, deps, signal, events).then(
    () => events.close(),
    (error: unknown) => events.fail(error),
  );
  return events;
}

async function record(
  { suite, plan, spec, file }: RecordingJob,
  { store, clock, money, openProvider }: RecordDeps,
  signal: AbortSignal,
  events: EventQueue<RecordEvent>,
): Promise<void> {
  const asks = asksOf(suite, plan);
  const provider = await openProvider(spec);
  const shutdown = (): void => void provider.shutdown();
  signal.addEventListener('abort', shutdown);
  try {
    const { concurrency } = await provider.metadata();
    const growing = await openRecording(file, {
      schema: 'aqe-llm/recording@1',
      provider: provider.id,
      suite: suite.name,
      suiteHash: suite.hash,
      seed: plan.seed,
      maxTokens: plan.maxTokens,
      temperature: plan.temperature,
    });
    const missing = asks.filter(({ request }) => !growing.has(recordingKey(provider.id, request)));
    let done = asks.length - missing.length;
    let errors = 0;
    const estimate = estimateSide({ side: REFERENCE, spec }, missing, { store, money });
    events.push({ type: 'started', known: done, estimate });
    const budget = createBudget({
      money,
      maxUsd: plan.maxCostUsd,
      spentUsd: 0,
      hint: 'The answers so far are in the file; run the same command again with a larger --max-cost.',
    });
    const options = { spec, clock, budget, concurrency: Math.max(1, concurrency), signal };
    await askSide(provider, missing, options, {
      onAsked: () => {},
      onProgress: ({ task }, progress) =>
        events.push({ type: 'progress', taskId: task.id, ...progress }),
      onAttempt: (_, attempt) => money.chargeOf(spec, attempt),
      onAnswer: async ({ task, repeat, request }, recording) => {
        await growing.append({
          task: task.id,
          repeat,
          key: recordingKey(provider.id, request),
          answeredAt: new Date(clock.now()).toISOString(),
          recording,
        });
        done += 1;
        events.push({ type: 'recorded', taskId: task.id, done, total: asks.length });
      },
      onError: ({ task }, error) => {
        errors += 1;
        events.push({ type: 'failed', taskId: task.id, message: messageOf(error) });
      },
    });
    events.push({ type: 'finished', answers: done, errors });
  } catch (error) {
    if (!signal.aborted && failureClassOf(error) !== 'cancelled') throw error;
    throw new AppError('baseline.interrupted', 'Stopped. The answers so far are in the file.', {
      hint: 'Run the same command again to go on.',
      exitCode: ExitCode.Interrupted,
      cause: error,
    });
  } finally {
    signal.removeEventListener('abort', shutdown);
    await provider.shutdown();
  }
}
