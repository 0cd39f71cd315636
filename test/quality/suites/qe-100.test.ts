import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { createExecutor } from '../../../src/quality/execution/index.ts';
import { extractTests } from '../../../src/quality/extraction.ts';
import { openSandbox } from '../../../src/quality/sandbox/open-sandbox.ts';
import { probeSandbox } from '../../../src/quality/sandbox/probe.ts';
import { kindOf } from '../../../src/quality/kinds/registry.ts';
import type { TestGenerationTask } from '../../../src/quality/kinds/test-generation/kind.ts';
import { checkSuite } from '../../../src/quality/suites/check.ts';
import { loadSuite, type Suite } from '../../../src/quality/suites/suite.ts';
import { createTypeChecker } from '../../../src/quality/type-check.ts';
import { realDeps, temporaryFolder } from '../sandbox/machine.ts';
import { greatestComplexity } from '../../../src/quality/complexity.ts';

const FOLDER = fileURLToPath(new URL('../../../fixtures/suites/qe-100', import.meta.url));
let suite: Suite;
let tasks: TestGenerationTask[];

beforeAll(async () => {
  suite = await loadSuite(FOLDER);
  tasks = suite.tasks.filter((task) => task.category === 'test-generation');
});

describe('the complexity of a function', () => {
  it.each([
    { source: 'const f = () => 1;', complexity: 1 },
    {
      source: 'function f(a) { if (a) return 1; else if (a === 0) return 2; return 3; }',
      complexity: 3,
    },
    {
      source: 'function f(a) { for (const b of a) while (b && a || b) ; return a ?? 1; }',
      complexity: 6,
    },
    { source: 'function f(a) { switch (a) { case 1: case 2: break; default: } }', complexity: 3 },
    { source: 'function f(a) { return a.map((b) => (b ? 1 : 2)); }', complexity: 2 },
  ])('of $source is $complexity', ({ source, complexity }) => {
    expect(greatestComplexity(source)).toBe(complexity);
  });
});

describe('the suite qe-100', () => {
  it('names each task by its complexity and gives it a source of its own', () => {
    for (const { id, complexity } of tasks) {
      expect(id).toMatch(new RegExp(`^tg-${complexity}-\\d+$`));
    }
    const ownSources = new Set(tasks.map((task) => task.cluster));
    expect(ownSources.size).toBe(tasks.length);
  });

  it('has six quick tasks of all three kinds', () => {
    const quick = suite.tasks.filter((task) => suite.quick.includes(task.id));
    expect(suite.quick).toHaveLength(6);
    expect(quick).toHaveLength(6);
    expect(new Set(quick.map((task) => task.complexity)).size).toBe(3);
  });

  it('has complex subjects of a cyclomatic complexity of at least 10', () => {
    for (const { id, complexity, subjectSource } of tasks) {
      if (complexity !== 'complex') continue;
      expect({ id, enough: greatestComplexity(subjectSource) >= 10 }).toEqual({ id, enough: true });
    }
  });

  it('was measured as it stands', () => {
    const { instrumenterVersion } = createExecutor({
      sandbox: {
        tier: 'unsafe',
        async *run() {
          // Nothing is run.
          yield* [];
        },
      },
    });
    for (const task of tasks) {
      expect({ id: task.id, subject: task.measured?.subject }).toEqual({
        id: task.id,
        subject: kindOf(task.category).fingerprint(task),
      });
      expect(task.measured?.instrumenter).toBe(instrumenterVersion);
      expect(task.measured?.mutants.length).toBeGreaterThan(20);
      expect(task.measured?.mutants.some((mutant) => mutant.boundary)).toBe(true);
      expect(task.measured?.boundaryClasses.length).toBeGreaterThan(0);
    }
  });

  it('has gold answers that parse and type-check', () => {
    const typeCheck = createTypeChecker();
    for (const task of tasks) {
      const { code, parses } = extractTests(kindOf(task.category).goldAnswer(task));
      const subject = { fileName: task.subject, source: task.subjectSource };
      const errors = typeCheck(subject, { fileName: 'answer.test.ts', source: code });
      expect({ id: task.id, parses, errors }).toEqual({ id: task.id, parses: true, errors: [] });
    }
  });

  it.each(['tg-simple-2', 'tg-moderate-1'])('proves %s sound', async (id) => {
    const folder = await temporaryFolder();
    const deps = realDeps(folder.path);
    const sandbox = openSandbox(deps, await probeSandbox(deps), { allowUnsafe: false });
    const check = {
      executor: createExecutor({ sandbox }),
      typeCheck: createTypeChecker(),
      sandbox,
    };
    const chosen = tasks.filter((task) => task.id === id);
    try {
      for await (const outcome of checkSuite(chosen, check, 2, new AbortController().signal)) {
        expect(outcome).toMatchObject({ taskId: id, gold: 10, empty: 0, problems: [] });
      }
    } finally {
      await folder.remove();
    }
    expect(chosen).toHaveLength(1);
  });
});
