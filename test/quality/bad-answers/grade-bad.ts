import {
  gradeTestGeneration,
  type GraderDeps,
} from '../../../src/quality/kinds/test-generation/grade.ts';
import type { TestGenerationTask } from '../../../src/quality/kinds/test-generation/kind.ts';
import type { Task } from '../../../src/quality/kinds/registry.ts';
import type { Measured } from '../../../src/quality/kinds/test-generation/format.ts';
import type { BadAnswer } from './table.ts';

export type MeasuredTask = TestGenerationTask & { measured: Measured };

/** The test-generation tasks among those of a suite. */
export function measuredTasks(tasks: readonly Task[]): MeasuredTask[] {
  return tasks.flatMap((task) =>
    task.category === 'test-generation' && task.measured !== undefined
      ? [{ ...task, measured: task.measured }]
      : [],
  );
}

/** The score that an answer of this kind earns; `null` where the task does not lend itself to it. */
export async function scoreOf(
  bad: BadAnswer,
  task: MeasuredTask,
  deps: GraderDeps,
): Promise<number | null> {
  const code = bad.make({
    reference: task.referenceSource,
    subject: task.subjectSource,
    module: task.subject.replace(/\.ts$/, ''),
  });
  if (code === null) return null;
  const text = `\`\`\`ts\n${code}\n\`\`\`\n`;
  const answer = { text, truncated: false, looped: false };
  return (await gradeTestGeneration(task, answer, 'linear', deps)).score;
}
