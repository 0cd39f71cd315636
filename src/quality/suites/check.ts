import { pMapIterable } from 'p-map';
import { SourceError } from '../execution/index.ts';
import type { Counts, KindDeps } from '../kinds/kind.ts';
import { kindOf, type Task } from '../kinds/registry.ts';

/** What proving one task sound has shown. */
export interface CheckOutcome {
  taskId: string;
  /** Scores of the written answer and of an empty one, 0–10; absent when they could not be graded. */
  gold?: number;
  empty?: number;
  counts: Counts;
  /** Empty for a sound task. */
  problems: string[];
}

const LEAST_GOLD = 9.5;
const MOST_EMPTY = 0.5;

/**
 * Proves tasks sound: measured as they stand, true to what their category asks, the gold answer
 * scores at least 9.5 and the empty one at most 0.5.
 * @returns the outcomes in the order of the tasks, of which `concurrency` are under way at once
 */
export function checkSuite(
  tasks: readonly Task[],
  deps: KindDeps,
  concurrency: number,
  signal: AbortSignal,
): AsyncIterable<CheckOutcome> {
  const outcomeOf = (task: Task): Promise<CheckOutcome> =>
    check(task, deps, signal).catch((error: unknown): CheckOutcome => {
      if (!(error instanceof SourceError)) throw error;
      return { taskId: task.id, counts: {}, problems: [error.message] };
    });
  return pMapIterable(tasks, outcomeOf, { concurrency, backpressure: Infinity });
}

async function check(task: Task, deps: KindDeps, signal: AbortSignal): Promise<CheckOutcome> {
  const { id: taskId, measured } = task;
  const kind = kindOf(task.category);
  if (measured === undefined) {
    const problems = ['not measured yet: run `aqe-llm baseline suite build`'];
    return { taskId, counts: {}, problems };
  }
  const problems: string[] = [];
  if (measured.subject !== kind.fingerprint(task)) {
    problems.push(`${changedSince(task)}: run \`aqe-llm baseline suite build\``);
  }
  const proof = await kind.check(task, deps, signal);
  problems.push(...proof.problems);
  const score = async (text: string): Promise<number> => {
    const answer = { text, truncated: false, looped: false };
    return (await kind.grade(task, answer, 'linear', deps, signal)).score;
  };
  const gold = await score(kind.goldAnswer(task));
  const empty = await score('');
  if (gold < LEAST_GOLD) problems.push(`the gold answer scores ${gold}, below ${LEAST_GOLD}`);
  if (empty > MOST_EMPTY) problems.push(`an empty answer scores ${empty}, above ${MOST_EMPTY}`);
  return { taskId, gold, empty, counts: proof.counts, problems };
}

/** What a measurement is of, and that it has changed since. */
export function changedSince(task: Task): string {
  const names = kindOf(task.category)
    .exhibits(task)
    .map(({ name }) => name);
  return `${names.join(' or ')} was changed after it was measured`;
}
