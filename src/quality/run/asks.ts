import { AppError } from '../../core/errors.ts';
import type { CompletionRequest } from '../../core/request.ts';
import { kindOf } from '../kinds/registry.ts';
import { changedSince } from '../suites/check.ts';
import type { Suite, Task } from '../suites/suite.ts';
import { requestFor } from './generate.ts';
import type { RunPlan } from './plan.ts';

/** One question of a run. */
export interface Ask {
  task: Task;
  /** From 0. */
  repeat: number;
  request: CompletionRequest;
}

/**
 * Everything that a plan asks of each side: all tasks once, then all again for each further repeat, so
 * that a run which is stopped early has seen as many tasks as it could.
 * @throws AppError `suite.unmeasured`, `suite.stale`
 */
export function asksOf(
  suite: Suite,
  plan: Pick<RunPlan, 'taskIds' | 'repeats' | 'seed' | 'maxTokens' | 'temperature'>,
): Ask[] {
  const tasks = measuredTasks(suite, plan.taskIds);
  return Array.from({ length: plan.repeats }, (_, repeat) =>
    tasks.map((task) => ({ task, repeat, request: requestFor(suite, task, repeat, plan) })),
  ).flat();
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
