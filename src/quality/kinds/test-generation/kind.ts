import { fillIn, type Kind, type TaskCommon, type TaskFiles } from '../kind.ts';
import { measuredSchema, taskSchema, type Measured, type TaskFile } from './format.ts';
import { gradeTestGeneration } from './grade.ts';
import { importLine, stemOf } from './imports.ts';
import { measure, prove, subjectHash } from './measure.ts';

export const REFERENCE_FILE = 'reference.test.ts';

/** A module to write tests for. */
export interface TestGenerationTask extends TaskFile, TaskCommon {
  category: 'test-generation';
  subjectSource: string;
  /** The reference test file, which is also the gold answer. */
  referenceSource: string;
  /** `fuzz.ts`, where the task has one. */
  fuzzSource: string | undefined;
  measured: Measured | undefined;
}

/** Input: a module. Output: one test file, graded by running it: docs/grading.md. */
export const testGeneration: Kind<TestGenerationTask> = {
  category: 'test-generation',
  placeholders: ['source'],

  async load(files: TaskFiles) {
    const file = files.parse('task.json', await files.need('task.json'), taskSchema);
    const referenceSource = await files.need(REFERENCE_FILE);
    const fuzzSource = await files.read('fuzz.ts');
    const measured = files.parse(
      'measured.json',
      await files.read('measured.json'),
      measuredSchema,
    );
    if (file === undefined) return undefined;
    const subjectSource = await files.need(file.subject);
    if (referenceSource === undefined || subjectSource === undefined) return undefined;
    return {
      ...file,
      category: 'test-generation',
      folder: files.folder,
      subjectSource,
      referenceSource,
      fuzzSource,
      measured,
    };
  },

  fingerprint: subjectHash,

  prompt: ({ subject, subjectSource }, template) =>
    fillIn(template, {
      file: subject,
      module: stemOf(subject),
      import: importLine(subjectSource, stemOf(subject)),
      source: subjectSource.trimEnd(),
    }),

  goldAnswer: ({ referenceSource }) => `\`\`\`ts\n${referenceSource}\n\`\`\`\n`,

  grade: (task, answer, rubric, deps, signal) =>
    gradeTestGeneration(measuredTask(task), answer, rubric, deps, signal),

  build: (task, { executor }, signal) => measure(task, executor, signal),

  check: (task, { executor }, signal) => prove(measuredTask(task), executor, signal),

  exhibits: ({ subject, subjectSource }) => [{ name: subject, text: subjectSource }],
};

function measuredTask(task: TestGenerationTask): TestGenerationTask & { measured: Measured } {
  const { measured } = task;
  if (measured === undefined) throw new Error(`${task.id} is not measured`);
  return { ...task, measured };
}
