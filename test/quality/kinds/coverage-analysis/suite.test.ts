import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { createExecutor } from '../../../../src/quality/execution/index.ts';
import {
  coverageAnalysis,
  type CoverageAnalysisTask,
} from '../../../../src/quality/kinds/coverage-analysis/kind.ts';
import type { Measured } from '../../../../src/quality/kinds/coverage-analysis/format.ts';
import { loadSuite } from '../../../../src/quality/suites/suite.ts';
import { checkSuite } from '../../../../src/quality/suites/check.ts';
import { createTypeChecker } from '../../../../src/quality/type-check.ts';
import { plainSandbox } from '../../execution/plain-sandbox.ts';

const FOLDER = fileURLToPath(new URL('../../../../fixtures/suites/qe-100', import.meta.url));
let template: string;
let tasks: (CoverageAnalysisTask & { measured: Measured })[];

beforeAll(async () => {
  const suite = await loadSuite(FOLDER);
  template = suite.prompts['coverage-analysis'] ?? '';
  tasks = suite.tasks
    .filter((task) => task.category === 'coverage-analysis')
    .map((task) => {
      if (task.measured === undefined) throw new Error(`${task.id} is not measured`);
      return { ...task, measured: task.measured };
    });
});

const sandbox = plainSandbox();
const deps = { executor: createExecutor({ sandbox }), typeCheck: createTypeChecker(), sandbox };

/** Nothing is executed for an answer whose proposal names no gap. */
async function gradeLazy(task: CoverageAnalysisTask, answer: object | string): Promise<number> {
  const text = typeof answer === 'string' ? answer : JSON.stringify(answer);
  const grade = await coverageAnalysis.grade(
    task,
    { text, truncated: false, looped: false },
    'linear',
    {
      ...deps,
      executor: createExecutor({
        sandbox: {
          tier: 'unsafe',
          run: () => {
            throw new Error('nothing is to be run');
          },
        },
      }),
    },
  );
  return grade.score;
}

describe('coverage analysis in qe-100', () => {
  it('has thirty tasks of three complexities, each of a module of its own', () => {
    expect(tasks).toHaveLength(30);
    for (const { id, of, complexity } of tasks) {
      expect(id).toMatch(new RegExp(`^ca-${complexity}-\\d+$`));
      expect(of).toMatch(new RegExp(`^tg-${complexity}-\\d+$`));
    }
    expect(new Set(tasks.map(({ of }) => of)).size).toBe(30);
  });

  it('was measured as it stands', () => {
    for (const task of tasks) {
      expect({ id: task.id, subject: task.measured.subject }).toEqual({
        id: task.id,
        subject: coverageAnalysis.fingerprint(task),
      });
      expect(task.measured.instrumenter).toBe(deps.executor.instrumenterVersion);
    }
  });

  it('has real gaps, and not only gaps', () => {
    for (const { id, measured } of tasks) {
      const { lines, branches } = measured;
      const all = lines.covered.length + lines.partial.length + lines.uncovered.length;
      const shares = [
        lines.uncovered.length / all,
        branches.uncovered.length / (branches.covered.length + branches.uncovered.length),
      ];
      expect({ id, isLittle: shares.every((share) => share <= 1 / 3) }).toEqual({
        id,
        isLittle: true,
      });
      expect(lines.uncovered.length).toBeGreaterThanOrEqual(3);
      expect(branches.uncovered.length).toBeGreaterThanOrEqual(2);
    }
  });

  it('asks in few words, and tells nothing of the gaps', () => {
    for (const task of tasks) {
      const prompt = coverageAnalysis.prompt(task, template);
      expect(prompt).not.toMatch(/\{\{(file|source|tests|branches)\}\}/);
      expect(prompt.length).toBeLessThan(9000);
      const { covered, uncovered, unreachable } = task.measured.branches;
      const listed = /```\n([^`]*)```\s*$/.exec(prompt)?.[1]?.split(/\s+/).filter(Boolean) ?? [];
      expect(listed.toSorted()).toEqual([...covered, ...uncovered, ...unreachable].toSorted());
    }
  });

  it('gives the example of the prompt next to nothing', async () => {
    const example = /```json\n([\s\S]*?)```/.exec(template)?.[1] ?? '';
    for (const task of tasks) expect(await gradeLazy(task, example)).toBe(1);
  });

  const none = { branch: '', code: 'nothing' };
  const all = ({ measured: { branches } }: { measured: Measured }) => [
    ...branches.covered,
    ...branches.uncovered,
  ];
  const LAZY: Record<string, { answer: (task: { measured: Measured }) => object; most: number }> = {
    'no gaps': { answer: () => ({ lines: [], branches: [], test: none }), most: 1 },
    'all lines': { answer: () => ({ lines: ['1-999'], branches: [], test: none }), most: 2.5 },
    'all lines and branches': {
      answer: (task) => ({ lines: ['1-999'], branches: all(task), test: none }),
      most: 2.5,
    },
    'all lines and every other branch': {
      answer: (task) => ({
        lines: ['1-999'],
        branches: all(task).filter((_, index) => index % 2 === 1),
        test: none,
      }),
      most: 3,
    },
    'all lines and all conditions that hold': {
      answer: (task) => ({
        lines: ['1-999'],
        branches: all(task).filter((name) => name.endsWith('then')),
        test: none,
      }),
      most: 3.5,
    },
  };

  it.each(Object.keys(LAZY))('gives little for “%s”', async (name) => {
    const lazy = LAZY[name];
    if (lazy === undefined) throw new Error(name);
    const scores: number[] = [];
    for (const task of tasks) scores.push(await gradeLazy(task, lazy.answer(task)));
    const mean = scores.reduce((sum, score) => sum + score, 0) / scores.length;
    expect(mean).toBeLessThanOrEqual(lazy.most);
  });

  it.each(['ca-simple-1', 'ca-moderate-8'])('proves %s sound', async (id) => {
    const chosen = tasks.filter((task) => task.id === id);
    expect(chosen).toHaveLength(1);
    for await (const outcome of checkSuite(chosen, deps, 2, new AbortController().signal)) {
      expect(outcome).toMatchObject({ taskId: id, gold: 10, empty: 0, problems: [] });
    }
  });
});
