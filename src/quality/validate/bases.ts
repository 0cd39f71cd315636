import type { Task } from '../suites/suite.ts';
import type { MeasuredTask } from './variation.ts';

/** The measured test-generation tasks of a suite. */
export function testGenerationTasks(tasks: readonly Task[]): MeasuredTask[] {
  return tasks.flatMap((task) =>
    task.category === 'test-generation' && task.measured !== undefined
      ? [{ ...task, measured: task.measured }]
      : [],
  );
}
