import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadSuite } from '../../../src/quality/suites/suite.ts';
import { testGenerationTasks } from '../../../src/quality/validate/bases.ts';
import {
  createVariations,
  type MeasuredTask,
  type Variations,
} from '../../../src/quality/validate/variation.ts';
import { exportedNames, messageWords, sharedWords } from '../../../src/quality/validate/words.ts';

const SUITE = fileURLToPath(new URL('../../../fixtures/suites/qe-100', import.meta.url));
let tasks: MeasuredTask[];
let variations: Variations;

beforeAll(async () => {
  tasks = testGenerationTasks((await loadSuite(SUITE)).tasks);
  variations = createVariations(tasks, 7);
});

describe('words that can be changed', () => {
  const words = (subject: string, reference: string): string[] =>
    sharedWords(subject, reference, 'page-window.ts');

  it('stand in string constants of both, and have four letters or more', () => {
    expect(words(`throw new Error('too large, alas');`, `'too large for me'`)).toEqual(['large']);
    expect(words('`Too ${n} Large`', '"large"')).toEqual(['large']);
    expect(words(`const large = 1;`, `'large'`)).toEqual([]);
    expect(words(`// 'large'`, `'large'`)).toEqual([]);
    expect(words(`'Xlarge large_ 3large'`, `'large'`)).toEqual([]);
  });

  it('mean nothing to JavaScript, to tests or to the file system', () => {
    const text = `'string undefined length message prototype describe escape window'`;
    expect(words(text, text)).toEqual([]);
    expect(words(`import x from 'lodash';`, `'lodash'`)).toEqual([]);
  });

  it('stand whole, and are not put together', () => {
    const subject = "`${n} attempt${n === 1 ? '' : 's'} left, ${un}loaded`";
    const reference = "'2 attempts left, unloaded, attempt'";
    expect(words(subject, reference)).toEqual(['left']);
    expect(words(`'attempts left, unloaded' + ${subject}`, reference)).toEqual(['left']);
  });

  it('are expected of something, and not what a test is called', () => {
    const titles = `describe('large', () => { it('large', f); it.each([1])('large', f); });`;
    expect(words(`'large'`, titles)).toEqual([]);
    expect(words(`'large'`, `it('x', () => { expect(f('large')); });`)).toEqual(['large']);
  });

  it('are told apart by whether they stand in the message of an error', () => {
    const source =
      "throw new RangeError(`${name} exceeds ${'its'} limit`); log('other'); new Set(['more']);";
    expect([...messageWords(source)].sort()).toEqual(['exceeds', 'limit']);
  });

  it('are not those of exports, which are found by their declarations', () => {
    const source =
      'export function a() {}\nexport async function b() {}\nexport class C {}\nexport const D = 1;\nexport type E = 1;\nexport interface F {}\nfunction g() {}';
    expect(exportedNames(source)).toEqual(['C', 'D', 'E', 'F', 'a', 'b']);
  });
});

describe('a variation', () => {
  it('is made of each task in turn, and the same for the same seed', () => {
    const { bases, at } = variations;
    expect(bases.length).toBeGreaterThanOrEqual(39);
    expect([0, 1, bases.length].map((index) => at(index).base)).toEqual([
      bases[0],
      bases[1],
      bases[0],
    ]);
    expect(at(5)).toMatchObject({ index: 5, task: { subjectSource: at(5).task.subjectSource } });
    expect(createVariations(tasks, 8).at(5).task.subjectSource).not.toBe(at(5).task.subjectSource);
    expect(at(0).task.subjectSource).not.toBe(at(bases.length).task.subjectSource);
  });

  it('keeps every place where it was, and has new words in module, tests and mutants', () => {
    for (let index = 0; index < variations.bases.length; index += 1) {
      const { task, base, constants, names } = variations.at(index);
      const before = tasks.find(({ id }) => id === base);
      expect(task.subjectSource).toHaveLength(before?.subjectSource.length ?? 0);
      expect(task.referenceSource).toHaveLength(before?.referenceSource.length ?? 0);
      expect(task.measured.subject).not.toBe(before?.measured.subject);
      expect(task.measured.mutants).toHaveLength(before?.measured.mutants.length ?? 0);
      expect(constants.size).toBeGreaterThan(0);
      for (const [word, fresh] of [...constants, ...names]) {
        const old = new RegExp(`(?<![\\w$])${word}(?![\\w$])`, 'i');
        const now = new RegExp(`(?<![\\w$])${fresh}(?![\\w$])`, 'i');
        expect({ base, word, left: old.test(task.subjectSource) }).toMatchObject({ left: false });
        expect(before?.subjectSource).not.toMatch(now);
        expect(task.subjectSource).toMatch(now);
      }
      for (const word of constants.values())
        expect(task.referenceSource.toLowerCase()).toContain(word);
    }
  });

  it('is asked for the old constants by the stale tests, by the new names', () => {
    const { task, staleTests, constants, names } = variations.at(1);
    for (const [old, fresh] of constants) {
      expect(staleTests().toLowerCase()).toContain(old);
      expect(staleTests()).not.toContain(fresh);
    }
    for (const fresh of names.values()) expect(staleTests().toLowerCase()).toContain(fresh);
    expect(staleTests()).not.toBe(task.referenceSource);
  });

  it('is hardly ever made twice', () => {
    const sources = new Set(
      Array.from({ length: 2000 }, (_, index) => variations.at(index).task.subjectSource),
    );
    expect(sources.size).toBe(2000);
  });

  it('cannot be made where there is no task, or no word', () => {
    expect(() => createVariations([], 1).at(0)).toThrow(
      new RangeError('there is no task to make variations of'),
    );
    const [task] = tasks;
    if (task === undefined) throw new Error('no task');
    const mute = { ...task, subjectSource: 'export function f() {}', referenceSource: '' };
    expect(createVariations([mute], 1)).toMatchObject({ bases: [], unvaried: [task.id] });
  });
});
