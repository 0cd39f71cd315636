import { fillIn, type Kind, type TaskFiles } from '../kind.ts';
import { measuredSchema, taskSchema, type Measured } from './format.ts';
import { goldAnswer } from './gold.ts';
import { gradeFlakyDetection } from './grade.ts';
import { failureCounts, historyTable } from './history.ts';
import { measure, prove } from './measure.ts';
import { numbered, titlesIn } from './spec.ts';
import { fingerprint, type FlakyDetectionTask } from './task.ts';

/** Input: a module, its spec and a history of runs. Output: which tests are flaky, why, and a fix: docs/grading.md. */
export const flakyDetection: Kind<FlakyDetectionTask> = {
  category: 'flaky-detection',
  placeholders: ['source', 'spec', 'history'],

  async load(files: TaskFiles) {
    const file = files.parse('task.json', await files.need('task.json'), taskSchema);
    const fixed = await files.read('fixed.test.ts');
    const unguarded = await files.read('unguarded.test.ts');
    const labSource = await files.read('lab.ts');
    const labTypes = await files.read('lab.d.ts');
    const measured = files.parse(
      'measured.json',
      await files.read('measured.json'),
      measuredSchema,
    );
    if ((fixed === undefined) === (unguarded === undefined)) {
      files.problem('fixed.test.ts', 'either this file or unguarded.test.ts must be there');
    }
    if (file === undefined) return undefined;
    const subjectSource = await files.need(file.subject);
    const specSource = await files.need(file.spec);
    if (subjectSource === undefined || specSource === undefined) return undefined;
    if ((fixed === undefined) === (unguarded === undefined)) return undefined;
    return {
      ...file,
      category: 'flaky-detection',
      folder: files.folder,
      subjectSource,
      specSource,
      counterpart:
        fixed === undefined
          ? { kind: 'unguarded', source: unguarded ?? '' }
          : { kind: 'fixed', source: fixed },
      labSource,
      labTypes,
      measured,
    };
  },

  fingerprint,

  prompt: (task, template) => {
    const titles = titlesIn(task.specSource);
    const history = task.measured?.history ?? [];
    return fillIn(template, {
      file: task.subject,
      source: task.subjectSource.trimEnd(),
      specFile: task.spec,
      spec: numbered(task.specSource).trimEnd(),
      lab: labText(task),
      tests: titles.map((title, index) => `${index + 1}. ${title}`).join('\n'),
      form: formOf(titles.length),
      history: historyTable(history),
      failures: failureCounts(history, titles.length),
    });
  },

  goldAnswer,

  grade: (task, answer, _, { sandbox }, signal) =>
    gradeFlakyDetection(measuredTask(task), answer, sandbox, signal),

  build: measure,

  check: (task, deps, signal) => prove(measuredTask(task), deps, signal),

  exhibits: ({ spec, specSource, subject, subjectSource }) => [
    { name: spec, text: specSource },
    { name: subject, text: subjectSource },
  ],
};

/**
 * What an answer has to look like for a spec of so many tests, with nothing said yet. The number of failures is not
 * read: who has written it down has looked at the history before the verdict.
 */
function formOf(tests: number): string {
  const entry = (index: number): string =>
    `  {"test": ${index + 1}, "failed": …, "flaky": …, "cause": "…"}`;
  return `{"tests": [\n${Array.from({ length: tests }, (_, index) => entry(index)).join(',\n')}\n]}`;
}

function labText({ specSource, labTypes }: FlakyDetectionTask): string {
  if (labTypes === undefined || !specSource.includes("'./lab'")) return '';
  return `\nWhat \`./lab\` exports is real, no fake:\n\n\`\`\`ts\n${labTypes.trimEnd()}\n\`\`\`\n`;
}

function measuredTask(task: FlakyDetectionTask): FlakyDetectionTask & { measured: Measured } {
  const { measured } = task;
  if (measured === undefined) throw new Error(`${task.id} is not measured`);
  return { ...task, measured };
}
