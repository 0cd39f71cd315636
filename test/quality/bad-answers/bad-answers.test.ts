import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExecutor } from '../../../src/quality/execution/index.ts';
import type { GraderDeps } from '../../../src/quality/kinds/test-generation/grade.ts';
import { openSandbox } from '../../../src/quality/sandbox/open-sandbox.ts';
import { probeSandbox } from '../../../src/quality/sandbox/probe.ts';
import { loadSuite } from '../../../src/quality/suites/suite.ts';
import { TemporaryFolders } from '../../cli/temporary-folders.ts';
import { buildTinySuite } from '../../cli/tiny-suite.ts';
import { realDeps } from '../sandbox/machine.ts';
import { measuredTasks, scoreOf, type MeasuredTask } from './grade-bad.ts';
import { replaceExpectations } from './spoil.ts';
import { BAD_ANSWERS } from './table.ts';

const BUILT_IN = fileURLToPath(new URL('../../../fixtures/suites/qe-100', import.meta.url));
const folders = new TemporaryFolders();
let tiny: MeasuredTask[];
let larger: MeasuredTask[];
let deps: GraderDeps;

beforeAll(async () => {
  const folder = await buildTinySuite(await folders.make(), { tasks: ['clamp', 'stack'] });
  tiny = measuredTasks((await loadSuite(folder)).tasks);
  const builtIn = measuredTasks((await loadSuite(BUILT_IN)).tasks);
  larger = builtIn.filter(({ id }) => id === 'tg-simple-1');
  const machine = realDeps(await folders.make());
  const sandbox = openSandbox(machine, await probeSandbox(machine), { allowUnsafe: false });
  // Types are not what is proved here, and checking them takes longer than the rest.
  deps = { executor: createExecutor({ sandbox }), typeCheck: () => [] };
});
afterAll(() => folders.remove());

// `npm run verify -- bad-answers` does the same over all tasks of the built-in suite.
describe('a bad answer earns what it deserves', () => {
  it.each(BAD_ANSWERS)('$name: $least to $most', async (bad) => {
    const tasks = bad.worth === 'little' ? larger : tiny;
    const scores = await Promise.all(tasks.map((task) => scoreOf(bad, task, deps)));
    const told = scores.filter((score) => score !== null);
    expect(told.length).toBeGreaterThan(0);
    for (const score of told) {
      expect(score).toBeGreaterThanOrEqual(bad.least);
      expect(score).toBeLessThanOrEqual(bad.most);
    }
  });
});

describe('spoiling a test file', () => {
  it('finds each expectation and what is expected of what', () => {
    const source = `
      it('a', async () => {
        expect(f(1)).toBe(2);
        await expect(g()).resolves.not.toBe(3);
        expect(() => f(0)).toThrow(new Error('no'));
        expect([await g()]).toEqual([1]);
        other(expect);
      });
      it.each([1])('b', (n) => expect(n).toBe(1));`;
    const found: string[] = [];
    const spoiled = replaceExpectations(source, ({ index, value, called, awaited }) => {
      found.push(`${index} ${value} ${called ? 'called' : ''}${awaited ? 'awaited' : ''}`);
      return 'gone;';
    });
    expect(found).toEqual([
      '0 f(1) ',
      '1 g() awaited',
      '2 () => f(0) called',
      '3 [await g()] awaited',
      '4 n ',
    ]);
    expect(spoiled.match(/gone;/g)).toHaveLength(5);
    expect(spoiled).not.toContain('toBe');
    expect(spoiled).toContain('other(expect);');
  });
});
