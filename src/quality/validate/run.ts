import { createHash } from 'node:crypto';
import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { deriveSeed } from '../../core/random.ts';
import { ProviderFailure } from '../../providers/failure.ts';
import type { RouteAnswer, Router } from '../../routing/router.ts';
import { gradeTestGeneration, type GraderDeps } from '../kinds/test-generation/grade.ts';
import { testGeneration } from '../kinds/test-generation/kind.ts';
import { independenceOf, type IndependenceReport } from './independence.ts';
import { sampleOf, type ValidationPlan } from './plan.ts';
import type { TaskOutcome, ValidationStore } from './store.ts';
import type { Variation, Variations } from './variation.ts';
import type { WrittenAnswers } from './written-answers.ts';

export interface ValidationRun {
  id: string;
  plan: ValidationPlan;
  startedAt: string;
}

export interface ValidationDeps {
  store: ValidationStore;
  router: Pick<Router, 'complete'>;
  /** Where the candidate is written answers, what gives them to the router. */
  written?: WrittenAnswers;
  kinds: GraderDeps;
  clock: Clock;
  /** Requests at a time. */
  concurrency: number;
  /** The prompt of the suite's test-generation tasks. */
  template: string;
  variations: Variations;
}

export type ValidationEvent =
  | { type: 'started'; done: number; total: number }
  /** From time to time. */
  | { type: 'progress'; done: number; graded: number; failed: number }
  | { type: 'finished'; report: IndependenceReport };

/** Outcomes are stored so many at a time; a crash loses no more. */
const BATCH = 50;
const TEST_TIMEOUT_MS = 5000;

/**
 * Sends every variation through the router, stores what became of it, and runs the answers of the sample. Goes
 * on where an earlier process stopped. Memory does not grow with the number of tasks.
 * @throws AppError `storage.not-written`, `execution.failed`; the signal's reason once what is known is stored
 */
export async function* runValidation(
  run: ValidationRun,
  deps: ValidationDeps,
  signal: AbortSignal,
): AsyncGenerator<ValidationEvent> {
  const { plan, id } = run;
  const { store, variations, clock } = deps;
  const sample = sampleOf(plan.tasks, plan.graded, variations.bases.length);
  const done = new Uint8Array(plan.tasks);
  let finished = 0;
  for (const task of store.done(id)) {
    done[task] = 1;
    finished += 1;
  }
  yield { type: 'started', done: finished, total: plan.tasks };

  let next = 0;
  let graded = 0;
  let failed = 0;
  let batch: TaskOutcome[] = [];
  const flush = (): void => {
    if (batch.length > 0) store.save(id, batch);
    batch = [];
  };
  const worker = async (): Promise<void> => {
    while (next < plan.tasks && !signal.aborted) {
      const index = next;
      next += 1;
      if (done[index] === 1) continue;
      const outcome = await settle(variations.at(index), sample.has(index), plan, deps, signal);
      if (outcome === undefined) return;
      batch.push(outcome);
      finished += 1;
      if (outcome.graded) graded += 1;
      if (outcome.answer.state === 'failed') failed += 1;
      // What was run took long enough to be kept at once.
      if (outcome.graded || batch.length >= BATCH) flush();
    }
  };
  const workers = Promise.all(Array.from({ length: deps.concurrency }, worker));
  try {
    for (let over = false; !over;) {
      over = await Promise.race([
        workers.then(() => true),
        clock.sleep(250, signal).then(
          () => false,
          () => true,
        ),
      ]);
      yield { type: 'progress', done: finished, graded, failed };
    }
    await workers;
  } finally {
    await workers.catch(() => undefined);
    flush();
  }
  signal.throwIfAborted();
  const finishedAt = new Date(clock.now()).toISOString();
  store.finish(id, finishedAt);
  const report = independenceOf({ ...run, finishedAt }, store.tallies(id), {
    bases: variations.bases.length,
    unvaried: variations.unvaried,
  });
  yield { type: 'finished', report };
}

/** Asks and, in the sample, grades one task; `undefined` when it was interrupted. */
async function settle(
  variation: Variation,
  isSampled: boolean,
  plan: ValidationPlan,
  deps: ValidationDeps,
  signal: AbortSignal,
): Promise<TaskOutcome | undefined> {
  const prompt = testGeneration.prompt(variation.task, deps.template);
  const known = {
    task: variation.index,
    base: variation.base,
    hash: createHash('sha256').update(prompt).digest().subarray(0, 16),
  };
  let answer: RouteAnswer;
  try {
    answer = await ask(variation, prompt, plan, deps, signal);
  } catch (error) {
    if (signal.aborted) return undefined;
    const code = codeOf(error);
    if (code === undefined) throw error;
    return { ...known, answer: { state: 'failed', code } };
  }
  if (signal.aborted) return undefined;
  const { tier, target, usd, totalMs, completion } = answer;
  const outcome: TaskOutcome = {
    ...known,
    answer: {
      state: 'answered',
      tier,
      target,
      totalMs: completion.timing.measured ? totalMs : null,
      usd: usd ?? null,
    },
  };
  if (!isSampled) return outcome;
  try {
    return { ...outcome, graded: await gradeAnswer(variation, answer, deps, signal) };
  } catch (error) {
    if (signal.aborted) return undefined;
    throw error;
  }
}

function ask(
  variation: Variation,
  prompt: string,
  { candidate, maxTokens, temperature, seed }: ValidationPlan,
  { router, written }: ValidationDeps,
  signal: AbortSignal,
): Promise<RouteAnswer> {
  const request = {
    messages: [{ role: 'user' as const, content: prompt }],
    maxTokens,
    temperature,
    seed: deriveSeed(seed, 'answer', String(variation.index)),
    category: 'test-generation' as const,
    complexity: variation.task.complexity,
    agent: 'baseline-validate',
    source: 'library' as const,
  };
  const pinned = candidate === 'router' || written !== undefined ? {} : { model: candidate };
  const send = (): Promise<RouteAnswer> => router.complete({ ...request, ...pinned }, { signal });
  if (written === undefined) return send();
  return written.during(prompt, testGeneration.goldAnswer(variation.task), send);
}

/** Runs the answer, the written one, and the suite's own answer with the old constants. */
async function gradeAnswer(
  { task, staleTests }: Variation,
  { completion }: RouteAnswer,
  { kinds }: ValidationDeps,
  signal: AbortSignal,
): Promise<NonNullable<TaskOutcome['graded']>> {
  const scoreOf = async (text: string, truncated: boolean): Promise<number> => {
    const answer = { text, truncated, looped: false };
    return (await gradeTestGeneration(task, answer, 'linear', kinds, signal)).score;
  };
  const gold = testGeneration.goldAnswer(task);
  const goldScore = await scoreOf(gold, false);
  const score =
    completion.text === gold
      ? goldScore
      : await scoreOf(completion.text, completion.finishReason === 'length');
  const stale = await kinds.executor.execute(
    {
      subject: { fileName: task.subject, source: task.subjectSource },
      test: { fileName: 'stale.test.ts', source: staleTests() },
      reruns: 2,
      mutants: [],
      testTimeoutMs: TEST_TIMEOUT_MS,
      mustCheck: true,
    },
    signal,
  );
  const changed =
    stale.state === 'not-loaded' || stale.tests.some(({ state }) => state === 'failed');
  return { score, goldScore, changed };
}

/** The code of a failure that is the providers' or the router's; others are not caught. */
function codeOf(error: unknown): string | undefined {
  if (error instanceof ProviderFailure || error instanceof AppError) {
    return error.code.startsWith('storage.') ? undefined : error.code;
  }
  return undefined;
}
