import { createEventQueue, type EventQueue } from '../core/event-queue.ts';
import { AppError, ExitCode } from '../core/errors.ts';
import { answerOf, type KindDeps } from './kinds/kind.ts';
import { kindOf } from './kinds/registry.ts';
import type { Grade, TaskResult } from './result.ts';
import { asksOf, type Ask } from './run/asks.ts';
import { createBudget } from './run/budget.ts';
import { estimateSide } from './run/estimate.ts';
import type { BaselineDeps, BaselineEvent, BaselineRun } from './run/events.ts';
import { createGradingPool } from './run/grading-pool.ts';
import { isLive, sidesOf, type RunPlan, type Side } from './run/plan.ts';
import { storedReport } from './run/report.ts';
import { keyOf, runSide, stepOf, type Shared } from './run/run-side.ts';
import type { RunStore } from './run/run-store.ts';
import type { Suite } from './suites/suite.ts';

/**
 * Runs a suite through a reference and candidates, or goes on with a run: what is stored is neither
 * asked nor graded again. Answers and results are stored as they come. One side after the other, so
 * that only one model is loaded at a time.
 * @throws AppError `provider.cancelled` on abort; `baseline.over-budget`; whatever makes every
 * further task pointless
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
  const { store, clock, money } = deps;
  const asks = asksOf(suite, plan);
  const sides = sidesOf(plan).map((planned) => ({
    ...planned,
    missing: missingOf(store, run.id, planned.side, asks),
  }));
  const total = asks.length * sides.length;
  let done = total - sides.reduce((sum, { missing }) => sum + missing.length, 0);
  const estimates = sides.flatMap(({ side, spec, missing }) => {
    if (!isLive(spec)) return [];
    const unanswered = missing.filter(
      (ask) => store.answer(keyOf(run.id, side, ask)) === undefined,
    );
    return [estimateSide({ side, spec }, unanswered, deps)];
  });
  events.push({ type: 'started', runId: run.id, total, done, estimates });

  const failed = new AbortController();
  const stop = AbortSignal.any([signal, failed.signal]);
  const keep = (side: Side, ask: Ask, result: TaskResult): void => {
    store.saveResult(keyOf(run.id, side, ask), result);
    done += 1;
    events.push({ type: 'graded', ...stepOf(side, ask), result, done, total });
  };
  const shared: Shared = {
    run,
    asks,
    deps,
    events,
    stop,
    keep,
    budget: createBudget({
      money,
      maxUsd: plan.maxCostUsd,
      spentUsd: store.spending(run.id).usd ?? 0,
      hint: `Everything finished so far is kept. Go on with a larger limit: aqe-llm baseline --resume ${run.id} --max-cost <US dollars>`,
    }),
    pool: createGradingPool(
      Math.max(1, sides.some(({ spec }) => isLive(spec)) ? deps.cores - 1 : deps.cores),
      (error) => failed.abort(error),
    ),
    grade: memoizedGrader(plan, deps.kinds, stop),
  };
  try {
    store.saveEnvironment(run.id, { sandbox: deps.sandbox, versions: deps.versions });
    for (const each of sides) {
      const known = store.side(run.id, each.side);
      if (each.missing.length > 0 || known === undefined) await runSide(each, shared);
    }
    await shared.pool.drain();
    stop.throwIfAborted();
    const report = storedReport(run, store);
    const verdicts = new Map(
      report.candidates.map(({ verdict }, index) => [plan.candidates[index] ?? '', verdict]),
    );
    store.finish(run.id, verdicts, new Date(clock.now()).toISOString());
    events.push({ type: 'finished', report });
  } catch (error) {
    // What was paid for is graded; everything else stops.
    if (isOverBudget(error)) await shared.pool.drain();
    failed.abort(error);
    await shared.pool.drain();
    if (signal.aborted) throw interrupted(run.id, error);
    // The first failure stopped everything else; what that in turn threw says nothing.
    throw failed.signal.reason;
  }
}

/** Equal answers to one task earn the same; they are graded once. */
function memoizedGrader(
  { rubric }: RunPlan,
  kinds: KindDeps,
  signal: AbortSignal,
): Shared['grade'] {
  const grades = new Map<string, Promise<Grade>>();
  return ({ task }, { completion, looped }) => {
    const answer = answerOf(completion, looped);
    const key = JSON.stringify([task.id, answer]);
    const known = grades.get(key);
    if (known !== undefined) return known;
    const grade = kindOf(task.category).grade(task, answer, rubric, kinds, signal);
    grades.set(key, grade);
    return grade;
  };
}

function missingOf(
  store: RunStore,
  runId: string,
  side: Side,
  asks: readonly Ask[],
): readonly Ask[] {
  const there = new Set(store.results(runId, side).map(({ id, repeat }) => `${repeat} ${id}`));
  return asks.filter(({ task, repeat }) => !there.has(`${repeat} ${task.id}`));
}

function isOverBudget(error: unknown): boolean {
  return error instanceof AppError && error.code === 'baseline.over-budget';
}

function interrupted(runId: string, cause: unknown): AppError {
  return new AppError('baseline.interrupted', 'Stopped. Everything finished so far is kept.', {
    hint: `Go on with: aqe-llm baseline --resume ${runId}`,
    exitCode: ExitCode.Interrupted,
    cause,
  });
}
