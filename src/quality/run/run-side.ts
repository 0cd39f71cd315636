import type { EventQueue } from '../../core/event-queue.ts';
import type { Provider } from '../../providers/provider.ts';
import { recordingKey, type Recording } from '../../providers/replay/recording.ts';
import type { Grade, TaskResult } from '../result.ts';
import type { Ask } from './asks.ts';
import { askSide } from './ask-side.ts';
import type { Budget } from './budget.ts';
import type { BaselineDeps, BaselineEvent, BaselineRun, Step } from './events.ts';
import { infrastructureError } from './generate.ts';
import type { GradingPool } from './grading-pool.ts';
import { isLive, type Side } from './plan.ts';
import type { RunStore, TaskKey } from './run-store.ts';
import { openSide } from './sides.ts';

/** What all sides of a run have in common. */
export interface Shared {
  run: BaselineRun;
  asks: readonly Ask[];
  deps: BaselineDeps;
  events: EventQueue<BaselineEvent>;
  stop: AbortSignal;
  keep: (side: Side, ask: Ask, result: TaskResult) => void;
  budget: Budget;
  pool: GradingPool;
  grade: (ask: Ask, recording: Recording) => Promise<Grade>;
}

/** Asks one side what it has not answered yet, and has all that is new graded. */
export async function runSide(
  { side, spec, missing }: { side: Side; spec: string; missing: readonly Ask[] },
  { run, asks, deps, events, stop, keep, budget, pool, grade }: Shared,
): Promise<void> {
  const { store, clock, money } = deps;
  const provider = await openSide(spec, asks, deps);
  const shutdown = (): void => void provider.shutdown();
  stop.addEventListener('abort', shutdown);
  const gradeAnswer = (ask: Ask, recording: Recording): Promise<void> =>
    pool.submit(async () => {
      const { timing, usage } = recording.completion;
      const graded = await grade(ask, recording);
      keep(side, ask, {
        ...identity(store, run.id, side, ask),
        state: 'graded',
        ...graded,
        latencyMs: timing.totalMs ?? null,
        ttftMs: timing.ttftMs ?? null,
        outputTokens: usage.outputTokens ?? null,
        replayed: !timing.measured,
      });
    });
  try {
    events.push({ type: 'loading', side });
    // Loads the model now, so that no answer's latency includes it.
    const { id, versions, concurrency } = await provider.metadata();
    store.saveSide(run.id, side, { name: id, versions });
    const unanswered: Ask[] = [];
    for (const ask of missing) {
      const kept = store.answer(keyOf(run.id, side, ask));
      if (kept === undefined) unanswered.push(ask);
      else await gradeAnswer(ask, kept);
    }
    await askSide(
      provider,
      unanswered,
      { spec, clock, budget, concurrency, signal: stop },
      {
        onAsked: (ask) =>
          events.push({ type: 'generating', live: isLive(spec), ...stepOf(side, ask) }),
        onProgress: (ask, progress) =>
          events.push({ type: 'progress', ...stepOf(side, ask), ...progress }),
        onAttempt: (ask, attempt) => {
          if (!isLive(spec)) return 0;
          const usd = money.chargeOf(spec, attempt);
          store.saveAttempt(keyOf(run.id, side, ask), { outcome: attempt.outcome, usd });
          return usd;
        },
        onAnswer: async (ask, recording) => {
          saveAnswer(keyOf(run.id, side, ask), provider, ask, recording, deps);
          await gradeAnswer(ask, recording);
        },
        onError: (ask, error) =>
          keep(side, ask, {
            ...identity(store, run.id, side, ask),
            state: 'error',
            error: infrastructureError(error),
          }),
      },
    );
  } finally {
    stop.removeEventListener('abort', shutdown);
    await provider.shutdown();
  }
}

function saveAnswer(
  key: TaskKey,
  provider: Provider,
  ask: Ask,
  recording: Recording,
  { store, clock }: BaselineDeps,
): void {
  store.saveAnswer(key, {
    recordingKey: recordingKey(provider.id, ask.request),
    recording,
    answeredAt: new Date(clock.now()).toISOString(),
  });
}

/** Where the store keeps what becomes of a question. */
export function keyOf(runId: string, side: Side, { task, repeat }: Ask): TaskKey {
  return { runId, side, taskId: task.id, repeat };
}

export function stepOf(side: Side, { task, repeat }: Ask): Step {
  return { side, taskId: task.id, repeat };
}

function identity(store: RunStore, runId: string, side: Side, ask: Ask) {
  const { id, category, complexity, cluster } = ask.task;
  const attempts = store.attempts(keyOf(runId, side, ask)).count;
  const errorRetries = Math.max(0, attempts - 1);
  return { id, category, complexity, cluster, repeat: ask.repeat, errorRetries };
}
