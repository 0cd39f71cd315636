import { createHash } from 'node:crypto';
import { fillIn, type Kind, type TaskCommon, type TaskFiles } from '../kind.ts';
import { taskSchema as ofSchema } from '../test-generation/format.ts';
import { measuredSchema, taskSchema, type Measured, type TaskFile } from './format.ts';
import { gradeCoverageAnalysis } from './grade.ts';
import { branchList, numbered } from './listing.ts';
import { checkGaps, measureGaps } from './measure.ts';
import { testBlocks, withoutTests } from './test-file.ts';

/** A module and tests that leave gaps, which somebody made by deleting some of them. */
export interface CoverageAnalysisTask extends TaskFile, TaskCommon {
  category: 'coverage-analysis';
  /** File name of the module. */
  subject: string;
  subjectSource: string;
  /** All tests, and those that are left. */
  referenceSource: string;
  remainingSource: string;
  measured: Measured | undefined;
}

/** Input: a module and some tests. Output: the gaps as JSON, and a test for one of them: docs/grading.md. */
export const coverageAnalysis: Kind<CoverageAnalysisTask> = {
  category: 'coverage-analysis',
  placeholders: ['source', 'tests', 'branches'],

  async load(files) {
    const file = files.parse('task.json', await files.need('task.json'), taskSchema);
    const measured = files.parse(
      'measured.json',
      await files.read('measured.json'),
      measuredSchema,
    );
    if (file === undefined) return undefined;
    const of = await loadSubject(files, file);
    if (of === undefined) return undefined;
    return {
      ...file,
      ...of,
      category: 'coverage-analysis',
      folder: files.folder,
      remainingSource: withoutTests(of.referenceSource, new Set(file.deleted)),
      measured,
    };
  },

  fingerprint,

  prompt: (task, template) =>
    fillIn(template, {
      file: task.subject,
      source: numbered(task.subjectSource),
      tests: task.remainingSource.trimEnd(),
      branches: branchList(measuredTask(task).measured),
    }),

  goldAnswer(task) {
    const { measured, referenceSource } = measuredTask(task);
    const { branch, test } = measured.proposal;
    const code = testBlocks(referenceSource).find(({ name }) => name === test)?.code ?? '';
    const answer = {
      lines: measured.lines.uncovered,
      branches: measured.branches.uncovered,
      test: { branch, code },
    };
    return `\`\`\`json\n${JSON.stringify(answer, null, 2)}\n\`\`\`\n`;
  },

  grade: (task, answer, _rubric, { executor }, signal) =>
    gradeCoverageAnalysis(measuredTask(task), answer, executor, signal),

  build: (task, { executor }, signal) => measureGaps(task, fingerprint(task), executor, signal),

  check: (task, { executor }, signal) =>
    checkGaps(measuredTask(task), fingerprint(task), executor, signal),

  exhibits: ({ subject, subjectSource, remainingSource }) => [
    { name: subject, text: subjectSource },
    { name: 'the tests', text: remainingSource },
  ],
};

/** The module and the tests of the test-generation task that this one is made of. */
async function loadSubject(
  files: TaskFiles,
  { of, cluster }: TaskFile,
): Promise<
  Pick<CoverageAnalysisTask, 'subject' | 'subjectSource' | 'referenceSource'> | undefined
> {
  const at = (name: string): string => `../../test-generation/${of}/${name}`;
  const task = files.parse(at('task.json'), await files.need(at('task.json')), ofSchema);
  const referenceSource = await files.need(at('reference.test.ts'));
  if (task === undefined || referenceSource === undefined) return undefined;
  const subjectSource = await files.need(at(task.subject));
  if (subjectSource === undefined) return undefined;
  if (cluster !== task.cluster) {
    files.problem(
      'task.json.cluster',
      `is not that of ${of}, ${task.cluster}, whose file it shares`,
    );
  }
  return { subject: task.subject, subjectSource, referenceSource };
}

function fingerprint(task: CoverageAnalysisTask): string {
  const { subjectSource, referenceSource, remainingSource, deleted } = task;
  return createHash('sha256')
    .update(JSON.stringify([subjectSource, referenceSource, remainingSource, deleted]))
    .digest('hex');
}

function measuredTask(task: CoverageAnalysisTask): CoverageAnalysisTask & { measured: Measured } {
  const { measured } = task;
  if (measured === undefined) throw new Error(`${task.id} is not measured`);
  return { ...task, measured };
}
