import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { createExecutor } from '../../../../src/quality/execution/index.ts';
import { hunksOf, type Hunk } from '../../../../src/quality/kinds/code-review/change.ts';
import { codeReview, type CodeReviewTask } from '../../../../src/quality/kinds/code-review/kind.ts';
import { gradeCodeReview } from '../../../../src/quality/kinds/code-review/grade.ts';
import { measureReview } from '../../../../src/quality/kinds/code-review/proof.ts';
import { loadSuite } from '../../../../src/quality/suites/suite.ts';
import { plainSandbox } from '../../execution/plain-sandbox.ts';

const FOLDER = fileURLToPath(new URL('../../../../fixtures/suites/qe-100', import.meta.url));
const signal = new AbortController().signal;
let template: string;
let tasks: CodeReviewTask[];

beforeAll(async () => {
  const suite = await loadSuite(FOLDER);
  template = suite.prompts['code-review'] ?? '';
  tasks = suite.tasks.filter((task) => task.category === 'code-review');
});

function grade(task: CodeReviewTask, text: string): number {
  if (task.measured === undefined) throw new Error(`${task.id} is not measured`);
  const { defects, measured } = task;
  return gradeCodeReview({ defects, measured }, { text, truncated: false, looped: false }).score;
}

describe('code review in qe-100', () => {
  it('has ten changes of three complexities with 38 to 45 defects', () => {
    expect(tasks).toHaveLength(10);
    for (const { id, complexity } of tasks) {
      expect(id).toMatch(new RegExp(`^cr-${complexity}-\\d+$`));
    }
    expect(new Set(tasks.map(({ complexity }) => complexity)).size).toBe(3);
    expect(new Set(tasks.map(({ cluster }) => cluster)).size).toBe(10);
    const defects = tasks.map((task) => task.defects.length);
    expect(defects.every((count) => count >= 3 && count <= 5)).toBe(true);
    const sum = defects.reduce((all, count) => all + count, 0);
    expect(sum >= 38 && sum <= 45).toBe(true);
  });

  it('has defects of many kinds', () => {
    const kinds = new Set(tasks.flatMap(({ defects }) => defects.map(({ kind }) => kind)));
    expect(kinds.size).toBeGreaterThanOrEqual(15);
  });

  it('was measured as it stands: each defect fails its test', () => {
    for (const task of tasks) {
      expect({ id: task.id, subject: task.measured?.subject }).toEqual({
        id: task.id,
        subject: codeReview.fingerprint(task),
      });
      for (const [index, { proof }] of task.defects.entries()) {
        expect(task.measured?.failing[index]).toContain(proof);
      }
      expect(task.measured?.hunks.some(({ defects }) => defects === 0)).toBe(true);
    }
  });

  it('shows each defect, and stays short', () => {
    for (const task of tasks) {
      const prompt = codeReview.prompt(task, template);
      expect(prompt).not.toContain('{{');
      expect(prompt.length).toBeLessThan(8500);
      for (const { lines } of task.defects) {
        expect(prompt).toMatch(new RegExp(`^ *${lines[0]} [ +]`, 'm'));
      }
    }
  });

  it('gives gold all and an empty answer nothing', () => {
    for (const task of tasks) {
      expect({ id: task.id, gold: grade(task, codeReview.goldAnswer(task)) }).toEqual({
        id: task.id,
        gold: 10,
      });
      expect(grade(task, '')).toBe(0);
    }
  });

  it('gives the form in the prompt nothing', () => {
    const form = /```json\n([\s\S]*?)```/.exec(template)?.[1] ?? '';
    expect(form).toContain('"line": …');
    for (const task of tasks) expect(grade(task, form)).toBe(0);
  });

  /** Answers that look at nothing but the numbers. */
  const LAZY: Record<string, { lines: (hunks: Hunk[]) => number[]; most: number }> = {
    'every line': { lines: (hunks) => hunks.flatMap(linesIn), most: 1 },
    'every new line': { lines: newLines, most: 1 },
    'the middle of each hunk': {
      lines: (hunks) => hunks.map(({ lines: [from, to] }) => Math.floor((from + to) / 2)),
      most: 2,
    },
    'the first new line of each hunk': {
      lines: (hunks) => hunks.flatMap((hunk) => newLines([hunk]).slice(0, 1)),
      most: 2,
    },
    'eight new lines, evenly': {
      lines: (hunks) => {
        const all = newLines(hunks);
        return Array.from(
          { length: 8 },
          (_, nth) => all[Math.floor(((nth + 0.5) * all.length) / 8)] ?? 0,
        );
      },
      most: 3,
    },
  };

  it.each(Object.keys(LAZY))('earns little by flagging %s', (name) => {
    const scores = tasks.map((task) => {
      const hunks = hunksOf(task.beforeSource, task.defectiveSource);
      return grade(task, flag(LAZY[name]?.lines(hunks) ?? []));
    });
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    expect(mean).toBeLessThan(LAZY[name]?.most ?? 0);
  });
});

/** Findings that explain themselves, each in other words. */
function flag(lines: readonly number[]): string {
  const words = ['alpha', 'bravo', 'charlie', 'delta', 'echo', 'foxtrot', 'golf', 'hotel', 'india'];
  return JSON.stringify(
    lines.map((line, index) => ({
      line,
      explanation: `Here ${words[index % 9]} is mistaken for ${words[Math.floor(index / 9) % 9]}.`,
    })),
  );
}

function linesIn({ lines: [from, to] }: Hunk): number[] {
  return Array.from({ length: to - from + 1 }, (_, index) => from + index);
}

function newLines(hunks: readonly Hunk[]): number[] {
  return hunks.flatMap(({ lines: [from], rows }) => {
    const shown = rows.filter((row) => !row.startsWith('-'));
    return shown.flatMap((row, index) => (row.startsWith('+') ? [from + index] : []));
  });
}

describe('the proof of a change', () => {
  const RIGHT = 'export const add = (a: number, b: number) => a + b;\n';
  const task = (changes: Partial<CodeReviewTask> = {}): CodeReviewTask => {
    const defective = RIGHT.replace('a + b', 'a - b');
    const more = Array.from({ length: 12 }, (_, index) => `export const n${index} = ${index};`);
    return {
      category: 'code-review',
      id: 'cr-simple-1',
      title: 'title',
      complexity: 'simple',
      cluster: 'add',
      folder: '/',
      subject: 'add.ts',
      beforeSource: more.join('\n'),
      rightSource: `${RIGHT}${more.join('\n')}\n`,
      defectiveSource: `${defective}${more.join('\n')}\n`,
      proofSource: `
        import { expect, it } from 'vitest';
        import { add } from './add';
        it('adds', () => expect(add(1, 2)).toBe(3));
        it('is there', () => expect(add).toBeDefined());`,
      defects: [
        {
          lines: [1, 1],
          kind: 'sign',
          title: 'subtracts',
          description: 'wrong sign',
          proof: 'adds',
        },
      ],
      measured: undefined,
      ...changes,
    };
  };
  const executor = createExecutor({ sandbox: plainSandbox() });
  const prove = (changes?: Partial<CodeReviewTask>) =>
    measureReview(task(changes), 'fingerprint', executor, signal);

  it('measures a change', async () => {
    expect(await prove()).toEqual({
      state: 'built',
      measured: {
        schema: 'aqe-llm/measured@1',
        subject: 'fingerprint',
        hunks: [
          { lines: [1, 4], defects: 1 },
          { lines: [10, 13], defects: 0 },
        ],
        failing: [['adds']],
      },
      counts: { defects: 1, hunks: 2, clean: 1 },
    });
  });

  it('refuses what is no defect, and what is not right', async () => {
    const [defect] = task().defects;
    if (defect === undefined) throw new Error('no defect');
    expect(await prove({ defects: [{ ...defect, proof: 'is there' }] })).toEqual({
      state: 'refused',
      problems: [
        '“is there” passes with the defect “subtracts”',
        '“is there” passes on defective.ts',
      ],
    });
    expect(
      await prove({ rightSource: task().rightSource.replace('a + b', 'a * b') }),
    ).toMatchObject({ problems: ['“adds” fails on add.ts, which should be right'] });
  });

  it('refuses differences and defects that do not belong together', async () => {
    const [defect] = task().defects;
    if (defect === undefined) throw new Error('no defect');
    expect(await prove({ defects: [{ ...defect, lines: [7, 7] }] })).toEqual({
      state: 'refused',
      problems: [
        'line 1 of defective.ts is not right, but belongs to no defect',
        'nothing in defective.ts makes the defect “subtracts”',
        'a defect is not within one hunk',
      ],
    });
  });
});
