import { createHash } from 'node:crypto';
import { fillIn, type Kind, type TaskCommon } from '../kind.ts';
import { hunksOf, showHunks } from './change.ts';
import { measuredSchema, taskSchema, type Measured, type TaskFile } from './format.ts';
import { gradeCodeReview } from './grade.ts';
import { checkReview, measureReview } from './proof.ts';

/** A change of a module, with defects in it that somebody put there. */
export interface CodeReviewTask extends TaskFile, TaskCommon {
  category: 'code-review';
  /** The module before the change, after it as it should be, and after it as it is reviewed. */
  beforeSource: string;
  rightSource: string;
  defectiveSource: string;
  /** Tests that tell the right version from the defective one. */
  proofSource: string;
  measured: Measured | undefined;
}

/** Input: a diff. Output: a list of findings, matched with the seeded defects: docs/grading.md. */
export const codeReview: Kind<CodeReviewTask> = {
  category: 'code-review',
  placeholders: ['diff'],

  async load(files) {
    const file = files.parse('task.json', await files.need('task.json'), taskSchema);
    const beforeSource = await files.need('before.ts');
    const defectiveSource = await files.need('defective.ts');
    const proofSource = await files.need('proof.test.ts');
    const measured = files.parse(
      'measured.json',
      await files.read('measured.json'),
      measuredSchema,
    );
    if (file === undefined) return undefined;
    const rightSource = await files.need(file.subject);
    if (
      beforeSource === undefined ||
      rightSource === undefined ||
      defectiveSource === undefined ||
      proofSource === undefined
    ) {
      return undefined;
    }
    return {
      ...file,
      category: 'code-review',
      folder: files.folder,
      beforeSource,
      rightSource,
      defectiveSource,
      proofSource,
      measured,
    };
  },

  fingerprint,

  prompt: ({ subject, beforeSource, defectiveSource }, template) =>
    fillIn(template, {
      file: subject,
      diff: showHunks(hunksOf(beforeSource, defectiveSource)),
    }),

  goldAnswer({ defects }) {
    const findings = defects.map(({ lines: [line], title, description }) => ({
      line,
      title,
      explanation: description,
      severity: 'high',
    }));
    return `\`\`\`json\n${JSON.stringify(findings, null, 2)}\n\`\`\`\n`;
  },

  grade: async (task, answer) => gradeCodeReview(measuredTask(task), answer),

  build: (task, { executor }, signal) => measureReview(task, fingerprint(task), executor, signal),

  check: (task, { executor }, signal) =>
    checkReview(measuredTask(task), fingerprint(task), executor, signal),

  exhibits: ({ subject, beforeSource, defectiveSource }) => [
    { name: subject, text: defectiveSource },
    { name: 'the change', text: showHunks(hunksOf(beforeSource, defectiveSource)) },
  ],
};

function fingerprint(task: CodeReviewTask): string {
  const { beforeSource, rightSource, defectiveSource, proofSource, defects } = task;
  return createHash('sha256')
    .update(JSON.stringify([beforeSource, rightSource, defectiveSource, proofSource, defects]))
    .digest('hex');
}

function measuredTask(task: CodeReviewTask): CodeReviewTask & { measured: Measured } {
  const { measured } = task;
  if (measured === undefined) throw new Error(`${task.id} is not measured`);
  return { ...task, measured };
}
