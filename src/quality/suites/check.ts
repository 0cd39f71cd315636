import { SourceError, type Executor } from '../execution/index.ts';
import { gradeTestGeneration, type Answer, type GraderDeps } from '../graders/test-generation.ts';
import { referenceProblems, runReference, subjectHash, subjectOf } from './build.ts';
import type { Task } from './suite.ts';

/** What proving one task sound has shown. */
export interface CheckOutcome {
  taskId: string;
  /** Scores of the reference tests and of an empty answer, 0–10; absent when they could not be graded. */
  gold?: number;
  empty?: number;
  mutants: number;
  equivalent: number;
  /** Empty for a sound task. */
  problems: string[];
}

export interface CheckDeps extends GraderDeps {
  executor: Executor;
}

const LEAST_GOLD = 9.5;
const MOST_EMPTY = 0.5;

/**
 * Proves tasks sound: the reference passes every time, every frozen mutant still exists and dies, the
 * gold answer scores at least 9.5 and the empty one at most 0.5.
 */
export async function* checkSuite(
  tasks: readonly Task[],
  deps: CheckDeps,
  signal: AbortSignal,
): AsyncGenerator<CheckOutcome> {
  for (const task of tasks) {
    yield await check(task, deps, signal).catch((error: unknown): CheckOutcome => {
      if (!(error instanceof SourceError)) throw error;
      return { taskId: task.id, mutants: 0, equivalent: 0, problems: [error.message] };
    });
  }
}

async function check(task: Task, deps: CheckDeps, signal: AbortSignal): Promise<CheckOutcome> {
  const { executor } = deps;
  const { measured } = task;
  if (measured === undefined) {
    const problems = ['not measured yet: run `aqe-llm baseline suite build`'];
    return { taskId: task.id, mutants: 0, equivalent: 0, problems };
  }
  const problems: string[] = [];
  if (measured.subject !== subjectHash(task)) {
    problems.push(
      `${task.subject} was changed after it was measured: run \`aqe-llm baseline suite build\``,
    );
  }
  if (measured.mutants.length === 0) problems.push('no mutant can be killed');
  const known = new Set((await executor.listMutants(subjectOf(task))).map((mutant) => mutant.id));
  for (const { id } of measured.mutants) {
    if (!known.has(id))
      problems.push(`mutant ${id} does not exist: run \`aqe-llm baseline suite build\``);
  }
  const execution = await runReference(
    task,
    measured.mutants.map((mutant) => mutant.id),
    executor,
    signal,
  );
  problems.push(...referenceProblems(execution));
  if (execution.state === 'ran') {
    const killed = new Map(execution.mutants.map(({ id, state }) => [id, state]));
    for (const { id, killedBy } of measured.mutants) {
      const state = killed.get(id);
      if (killedBy === 'reference' && state !== 'killed' && state !== 'timeout') {
        problems.push(`mutant ${id} should die by the reference, but is ${state ?? 'unknown'}`);
      }
    }
  }
  const score = async (text: string): Promise<number> => {
    const answer: Answer = { text, truncated: false, looped: false };
    return (await gradeTestGeneration({ ...task, measured }, answer, 'linear', deps, signal)).score;
  };
  const gold = await score(goldAnswer(task));
  const empty = await score('');
  if (gold < LEAST_GOLD) problems.push(`the gold answer scores ${gold}, below ${LEAST_GOLD}`);
  if (empty > MOST_EMPTY) problems.push(`an empty answer scores ${empty}, above ${MOST_EMPTY}`);
  return {
    taskId: task.id,
    gold,
    empty,
    mutants: measured.mutants.length,
    equivalent: measured.equivalent.length,
    problems,
  };
}

/** The reference tests as a model would give them. */
export function goldAnswer(task: Task): string {
  return `\`\`\`ts\n${task.referenceSource}\n\`\`\`\n`;
}
