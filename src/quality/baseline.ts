import type { Clock } from '../core/clock.ts';
import { createEventQueue, type EventQueue } from '../core/event-queue.ts';
import { AppError, ExitCode } from '../core/errors.ts';
import { failureClassOf, type FailureClass } from '../providers/failure.ts';
import type { Provider, ProviderMetadata } from '../providers/provider.ts';
import { recordingKey, type Recording } from '../providers/replay/recording.ts';
import { generate, infrastructureError, requestFor, type GenerationProgress } from './generate.ts';
import { categoryReports } from './categories.ts';
import { answerOf, type KindDeps } from './kinds/kind.ts';
import { kindOf } from './kinds/registry.ts';
import type { BaselineReport, GradedTask, TaskResult } from './result.ts';
import type { RunPlan, RunStore, Side } from './run-store.ts';
import { openSide, type Ask, type SideDeps } from './sides.ts';
import { changedSince } from './suites/check.ts';
import type { Suite, Task } from './suites/suite.ts';
import { summarize } from './summary.ts';
import { judge, pairUp } from './verdict.ts';

export interface BaselineRun {
  id: string;
  plan: RunPlan;
  /** ISO 8601, UTC. */
  startedAt: string;
}

export interface BaselineDeps extends SideDeps {
  store: RunStore;
  kinds: KindDeps;
  clock: Clock;
  /** Tier of the sandbox, for the report. */
  sandbox: string;
  /** Versions for the report; the providers add theirs. */
  versions: Record<string, string>;
  /** Processor cores: answers are graded on all of them, or on all but one beside a live model. */
  cores: number;
}

/** A task of one side, as an event names it. */
export interface Step {
  side: Side;
  taskId: string;
}

export type BaselineEvent =
  /** `toGenerate` counts the answers that live providers still have to give. */
  | { type: 'started'; runId: string; total: number; done: number; toGenerate: number }
  | { type: 'loading'; side: Side }
  | ({ type: 'generating'; live: boolean } & Step)
  | ({ type: 'progress' } & Step & GenerationProgress)
  | ({ type: 'graded'; result: TaskResult; done: number; total: number } & Step)
  | { type: 'finished'; report: BaselineReport };

const REPEAT = 0;
const SIDES: readonly Side[] = ['reference', 'candidate'];

/**
 * Runs a suite through reference and candidate, or goes on with a run: what is stored is neither
 * asked nor graded again. Answers and results are stored as they come.
 * @throws AppError `provider.cancelled` on abort; whatever makes every further task pointless
 */
export function runBaseline(
  suite: Suite,
  run: BaselineRun,
  deps: BaselineDeps,
  signal: AbortSignal,
): AsyncIterable<BaselineEvent> {
  const events = createEventQueue<BaselineEvent>();
  conduct(suite, run, deps, signal, events).then(
    () => events.close(),
    (error: unknown) => events.fail(error),
  );
  return events;
}

async function conduct(
  suite: Suite,
  run: BaselineRun,
  deps: BaselineDeps,
  signal: AbortSignal,
  events: EventQueue<BaselineEvent>,
): Promise<void> {
  const { plan } = run;
  const { store, clock } = deps;
  const tasks = measuredTasks(suite, plan.taskIds);
  const asks: (Ask & { task: Task })[] = tasks.map((task) => ({
    task,
    request: requestFor(suite, task, REPEAT, plan),
  }));
  const key = (side: Side, taskId: string) => ({ runId: run.id, side, taskId, repeat: REPEAT });
  const stored = {
    reference: new Set(store.results(run.id, 'reference').map((result) => result.id)),
    candidate: new Set(store.results(run.id, 'candidate').map((result) => result.id)),
  };
  const total = tasks.length * SIDES.length;
  let done = stored.reference.size + stored.candidate.size;
  const liveSides = SIDES.filter((side) => isLive(plan[side]));
  const toGenerate = liveSides.flatMap((side) =>
    tasks.filter(({ id }) => !stored[side].has(id) && store.answer(key(side, id)) === undefined),
  ).length;
  events.push({ type: 'started', runId: run.id, total, done, toGenerate });

  const providers: Partial<Record<Side, Provider>> = {};
  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const grading = new Set<Promise<void>>();

  const keep = (side: Side, task: Task, result: TaskResult): void => {
    store.saveResult(key(side, task.id), result);
    done += 1;
    events.push({ type: 'graded', side, taskId: task.id, result, done, total });
  };

  const answer = async (
    side: Side,
    provider: Provider,
    { task, request }: Ask,
  ): Promise<Recording> => {
    const kept = store.answer(key(side, task.id));
    if (kept !== undefined) return kept;
    const step: Step = { side, taskId: task.id };
    events.push({ type: 'generating', live: isLive(provider.id), ...step });
    const recording = await generate(provider, request, {
      clock,
      signal: stop,
      onProgress: (progress) => events.push({ type: 'progress', ...step, ...progress }),
    });
    store.saveAnswer(key(side, task.id), {
      recordingKey: recordingKey(provider.id, request),
      recording,
      answeredAt: new Date(clock.now()).toISOString(),
    });
    return recording;
  };

  const grade = async (side: Side, task: Task, recording: Recording): Promise<void> => {
    const { completion, looped } = recording;
    const graded = await kindOf(task.category).grade(
      task,
      answerOf(completion, looped),
      plan.rubric,
      deps.kinds,
      stop,
    );
    const { timing, usage } = completion;
    keep(side, task, {
      ...identity(task),
      state: 'graded',
      ...graded,
      latencyMs: timing.totalMs ?? null,
      ttftMs: timing.ttftMs ?? null,
      outputTokens: usage.outputTokens ?? null,
      replayed: !timing.measured,
    });
  };

  try {
    const versions = { ...deps.versions };
    const ids: Record<Side, string> = { candidate: plan.candidate, reference: plan.reference };
    for (const side of SIDES) {
      const provider = await openSide(plan[side], asks, deps);
      providers[side] = provider;
      stop.addEventListener('abort', () => void provider.shutdown());
      events.push({ type: 'loading', side });
      // Loads the model now, so that no answer's latency includes it.
      const metadata = await provider.metadata();
      ids[side] = metadata.id;
      Object.assign(versions, versionsOf(side, metadata));
    }
    const graders = Math.max(1, liveSides.length > 0 ? deps.cores - 1 : deps.cores);
    for (const { task, request } of asks) {
      for (const side of SIDES) {
        const provider = providers[side];
        if (provider === undefined || stored[side].has(task.id)) continue;
        stop.throwIfAborted();
        let recording: Recording;
        try {
          recording = await answer(side, provider, { task, request });
        } catch (error) {
          if (concernsEveryTask(error)) throw error;
          keep(side, task, {
            ...identity(task),
            state: 'error',
            error: infrastructureError(error),
          });
          continue;
        }
        while (grading.size >= graders) await Promise.race(grading);
        const graded = grade(side, task, recording).catch((error: unknown) => {
          failed.abort(error);
        });
        grading.add(graded);
        void graded.then(() => grading.delete(graded));
      }
    }
    await Promise.all(grading);
    stop.throwIfAborted();

    const report = reportOf(run, suite, deps, ids, versions);
    store.finish(run.id, report.verdict, new Date(clock.now()).toISOString());
    events.push({ type: 'finished', report });
  } catch (error) {
    failed.abort(error);
    await Promise.all(grading);
    if (signal.aborted) throw interrupted(run.id, error);
    // The first failure stopped everything else; what that in turn threw says nothing.
    throw failed.signal.reason;
  } finally {
    for (const side of SIDES) await providers[side]?.shutdown();
  }
}

/** Recordings answer at once and from memory; everything else takes a model. */
export function isLive(spec: string): boolean {
  return !spec.startsWith('replay:');
}

function measuredTasks(suite: Suite, ids: readonly string[]): Task[] {
  const hint = `Run: aqe-llm baseline suite build ${suite.folder}`;
  const tasks = suite.tasks.filter((task) => ids.includes(task.id));
  for (const task of tasks) {
    if (task.measured === undefined) {
      throw new AppError('suite.unmeasured', `Task ${task.id} has not been measured.`, { hint });
    }
    if (task.measured.subject !== kindOf(task.category).fingerprint(task)) {
      throw new AppError('suite.stale', `${task.id}: ${changedSince(task)}.`, { hint });
    }
  }
  return tasks;
}

function identity(task: Task): Pick<GradedTask, 'id' | 'category' | 'complexity' | 'repeat'> {
  const { id, category, complexity } = task;
  return { id, category, complexity, repeat: REPEAT };
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

function interrupted(runId: string, cause: unknown): AppError {
  return new AppError('baseline.interrupted', 'Stopped. Everything finished so far is kept.', {
    hint: `Go on with: aqe-llm baseline --resume ${runId}`,
    exitCode: ExitCode.Interrupted,
    cause,
  });
}

function versionsOf(side: Side, metadata: ProviderMetadata): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata.versions).map(([name, version]) => [`${side}.${name}`, version]),
  );
}

function reportOf(
  run: BaselineRun,
  suite: Suite,
  { store, sandbox }: BaselineDeps,
  ids: Record<Side, string>,
  versions: Record<string, string>,
): BaselineReport {
  const { plan } = run;
  const clusters = new Map(suite.tasks.map((task) => [task.id, task.cluster]));
  const inOrder = (side: Side): TaskResult[] => {
    const results = new Map(store.results(run.id, side).map((result) => [result.id, result]));
    return suite.tasks.flatMap((task) => results.get(task.id) ?? []);
  };
  const candidate = summarize(ids.candidate, inOrder('candidate'));
  const reference = summarize(ids.reference, inOrder('reference'));
  const clusterOf = (id: string): string => clusters.get(id) ?? id;
  const pairs = pairUp(candidate.tasks, reference.tasks, clusterOf);
  return {
    schema: 'aqe-llm/baseline@2',
    run: {
      id: run.id,
      suite: plan.suiteName,
      suiteHash: plan.suiteHash,
      seed: plan.seed,
      startedAt: run.startedAt,
      sandbox,
      versions,
    },
    verdict: judge(candidate, reference, clusterOf, plan.seed),
    categories: categoryReports(candidate.tasks, pairs, plan.seed),
    candidate,
    reference,
  };
}
