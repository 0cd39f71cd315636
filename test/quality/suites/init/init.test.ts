import { mkdir, mkdtemp, readFile, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createExecutor } from '../../../../src/quality/execution/index.ts';
import { checkSuite } from '../../../../src/quality/suites/check.ts';
import {
  draftSuite,
  initSuite,
  type Draft,
  type InitOptions,
  type InitResult,
} from '../../../../src/quality/suites/init/init.ts';
import { loadSuite } from '../../../../src/quality/suites/suite.ts';
import { createTypeChecker } from '../../../../src/quality/type-check.ts';
import { plainSandbox } from '../../execution/plain-sandbox.ts';
import { grade, told, writeProject } from './project.ts';

const eq = (name: string): string =>
  told((call, result) => `expect(${call}).toBe(${result});`, name);
const below = (name: string): string =>
  `expect(() => ${name}(-1)).toThrow('not within 0 and 100');`;
const above = (name: string): string => `expect(() => ${name}(101)).toThrow(RangeError);`;

/** One module for each library of tests, and some that cannot be taken. */
const FILES: Record<string, string> = {
  'package.json': JSON.stringify({
    name: '@demo/grades',
    main: 'lib/index.js',
    scripts: { test: 'vitest run' },
  }),
  'tsconfig.json': JSON.stringify({
    compilerOptions: { baseUrl: '.', paths: { '@/*': ['src/*'] }, outDir: 'built' },
  }),
  'vitest.config.ts': `export default { test: { globals: true, setupFiles: ['./setup.ts', 'elsewhere/setup'] } };`,
  'setup.ts': `import { expect } from 'vitest';
    expect.extend({ toBeGrade: (value) => ({ pass: /^(failed|passed|full)$/.test(value), message: () => 'no grade' }) });`,
  'built/compiled.js': `exports.a = function ${grade('a')};`,

  'src/typed.ts': `import type { Limit } from './limits';
    import { LIMIT as MOST, unused } from './limits';
    import * as nodePath from 'node:path';
    /** Grades points. The rest is silence. */
    export function ${grade('typed', true).replace('?? 100', '?? MOST')}
    export const where = (limit: Limit): string => nodePath.join('a', String(limit));`,
  'src/limits.ts': `/** A number of points. */
    export type Limit = number;
    const HUNDRED = 100;
    /** The usual most. */
    export const LIMIT = HUNDRED;
    export function unused(): number { return 0; }`,
  'src/index.ts': `export { typed as gradeOf, where } from './typed'; export * from './limits';`,
  'test/typed.test.ts': `import { gradeOf, where as place } from '@/index';
    import { fake } from 'sinon';
    describe('typed', () => {
      it('grades', () => { ${eq('gradeOf')} expect(gradeOf(1)).toBeGrade(); });
      it('refuses', () => { ${below('gradeOf')} ${above('gradeOf')} });
      it('joins', () => { expect(place(1)).toBe('a/1'); });
      it('fails here', () => { expect(gradeOf(1)).toBe('full'); });
      it('needs more', () => { fake(gradeOf); expect(1).toBe(1); });
    });`,

  'lib/index.js': `'use strict';
    const limits = require('./limits.json');
    const { check } = require('./check');
    module.exports = function ${grade('main').replace('?? 100', '?? limits.most').replace("if (points < 0 || points > limit) throw new RangeError('not within 0 and ' + limit);", 'check(points, limit); if (most === null) return null;')};`,
  'lib/check.js': `exports.check = (points, limit) => { if (points < 0 || points > limit) throw new RangeError('not within 0 and ' + limit); };`,
  'lib/limits.json': '{ "most": 100 }',
  'test/jest.test.js': `const { describe, it, expect } = require('@jest/globals');
    const main = require('..');
    describe('main', () => {
      it.each([[0, 'failed'], [50, 'passed'], [100, 'full']])('gives for %s %s', (points, result) => { expect(main(points)).toBe(result); });
      test('refuses', () => { ${below('main')} ${above('main')} ${eq('main')} expect(main(1, null)).toBeNull(); });
    });`,

  'lib/mocha.js': `exports.mocha = function ${grade('mocha')};`,
  'lib/mocha.spec.js': `const assert = require('assert');
    const { mocha } = require('./mocha');
    let ready = false;
    before(function () { this.timeout(100); ready = true; });
    context('mocha', function () {
      specify('not told apart', () => { assert(ready); });
      it('grades', () => { ${told((call, result) => `assert.equal(${call}, ${result});`, 'mocha')} });
      it('refuses', () => { assert.throws(() => mocha(-1), new RangeError('not within 0 and 100')); assert.throws(() => mocha(101), /not within/); });
    });`,

  'lib/node.mjs': `export default function ${grade('node')}`,
  'test/node.test.mjs': `import { test as check } from 'node:test';
    import assert, { strictEqual } from 'node:assert/strict';
    import node from '../lib/node.mjs';
    import test from 'node:test';
    test('node', async (t) => {
      await t.test('grades', () => { ${told((call, result) => `strictEqual(${call}, ${result});`, 'node')} });
      t.assert.throws(() => node(-1), { message: 'not within 0 and 100' });
    });
    test('with a callback', (t, done) => { assert.throws(() => node(101), RangeError); setTimeout(done, 1); });
    test('skipped', { skip: true }, () => {});`,

  'lib/tape.js': `module.exports = { tape: function ${grade('tape')} };`,
  'test/tape.js': `var tape = require('tape');
    var grade = require('../lib/tape').tape;
    tape('planned', function (t) { t.plan(1); setTimeout(function () { t.throws(function () { grade(-1); }, /not within 0 and 100/); }, 1); });
    tape('ended', function (t) { ${told((call, result) => `t.equal(${call}, ${result}, 'a message');`, 'grade')} t.equal([].unset, undefined); t.throws(function () { grade(101); }); t.end(); });`,

  'lib/ava.js': `export function ${grade('ava')}`,
  'test/ava.js': `import check from 'ava';
    import { ava } from '../lib/ava.js';
    check('grades', (t) => { ${told((call, result) => `t.is(${call}, ${result});`, 'ava')} });
    check('refuses', (t) => { t.throws(() => ava(-1), { instanceOf: RangeError, message: 'not within 0 and 100' }); t.throws(() => ava(101)); });`,

  'lib/chai.cjs': `exports.chai = function ${grade('chai')};`,
  'test/chai.spec.cjs': `const { assert, expect } = require('chai');
    const { chai } = require('../lib/chai.cjs');
    describe('chai', () => {
      it('grades', () => { ${told((call, result) => `expect(${call}).to.equal(${result});`, 'chai')} });
      it('refuses', () => { assert.throws(() => chai(-1), RangeError, 'not within 0 and 100'); assert.throws(() => chai(101)); });
    });`,

  'src/mocked.ts': `export function ${grade('mocked', true)}`,
  'test/mocked.test.ts': `import { mocked } from '../src/mocked'; vi.mock('../src/limits'); it('x', () => { ${eq('mocked')} });`,
  'src/weak.ts': `export function ${grade('weak', true)}`,
  'test/weak.test.ts': `import { weak } from '../src/weak'; it('x', () => { expect(weak(1)).toBe('failed'); });`,
  'src/alone.ts': `export function ${grade('alone', true)}`,
  'src/file.ts': `import { readFileSync } from 'node:fs'; export const read = (a: string) => (a && a || a ? readFileSync(a) : a ?? 1);`,
  'src/env.ts': `export const env = (a?: string) => (a && a || a ? process.env['X'] : a ?? document.title);`,
  'src/packaged.ts': `import { b } from 'lodash'; export function packaged(a?: string) { return a && a || a ? b(a) : a ?? 1; }`,
  'src/small.ts': `export const small = (a: number) => (a > 1 ? a : 1);`,
  'src/broken.ts': `export const broken = (`,
  'src/circle-a.ts': `import { b } from './circle-b'; export const a = (x: number) => (x && x || x ? b(x) : x ?? 1);`,
  'src/circle-b.ts': `import { a } from './circle-a'; export const b = (x: number): number => a(x);`,
  'src/page.tsx': `export const Page = () => <b />;`,
  'src/long.ts': `import lodash from 'lodash';
    export function ${grade('first', true)}
    export function second(a?: number) { return a && a || a ? lodash(a) : a ?? 1; }
    export function third() { return 3; }`,
  'test/long.test.ts': `import { first, third } from '../src/long';
    it('grades', () => { ${eq('first')} });
    it('refuses', () => { ${below('first')} ${above('first')} });
    it('is three', () => { expect(third()).toBe(3); });`,
  'coverage/lcov.info': 'SF:src/alone.ts\nDA:1,1\nDA:2,0\nDA:3,0\nDA:4,2\nend_of_record\n',
};

let root: string;
let options: InitOptions;
let draft: Draft;

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'aqe-llm-init-'));
  await writeProject(root, FILES);
  const prompt = 'Test {{file}}: {{source}}';
  options = { from: root, out: path.join(root, 'made'), max: 20, coverage: undefined, prompt };
  draft = await draftSuite(options);
});

afterAll(() => rm(root, { recursive: true, force: true }));

describe('the draft of a suite', () => {
  it('knows the project', () => {
    expect(draft.project).toMatchObject({
      name: '@demo/grades',
      runner: 'vitest',
      environment: 'node',
      tsconfig: path.join(root, 'tsconfig.json'),
      setup: [path.join(root, 'setup.ts')],
      coverage: path.join(root, 'coverage/lcov.info'),
    });
    expect(draft.notes).toEqual([
      'The setup elsewhere/setup is left out: it is no file of the project.',
    ]);
  });

  it('finds the modules whose tests can be taken over', () => {
    expect(
      Object.fromEntries(draft.drafts.map(({ place, candidate }) => [place.id, candidate.file])),
    ).toEqual({
      ava: 'lib/ava.js',
      chai: 'lib/chai.cjs',
      grades: 'lib/index.js',
      'long-first': 'src/long.ts',
      mocha: 'lib/mocha.js',
      node: 'lib/node.mjs',
      tape: 'lib/tape.js',
      typed: 'src/typed.ts',
      weak: 'src/weak.ts',
    });
  });

  it('lets those wait that have no tests, with what is covered now', () => {
    expect(draft.waiting.map(({ file }) => file)).toEqual(['src/circle-a.ts', 'src/alone.ts']);
    expect(draft.waiting.slice(1)).toMatchObject([
      { file: 'src/alone.ts', covered: { covered: 2, total: 4 } },
    ]);
  });

  it('says why the others are refused', () => {
    const refused = Object.fromEntries(
      draft.refused.map(({ file, reasons }) => [file, reasons.join('; ')]),
    );
    expect(refused).toEqual({
      'setup.ts': expect.stringContaining('exports nothing that can be called'),
      'src/broken.ts': 'does not parse',
      'src/circle-b.ts': 'decides little: 0 of at least 4 branches',
      'src/env.ts': 'uses process: the process; uses document: a browser',
      'src/file.ts': 'imports node:fs',
      'src/index.ts': 'decides little: 0 of at least 4 branches',
      'src/limits.ts': 'decides little: 0 of at least 4 branches',
      'src/mocked.ts': 'its tests cannot be taken over: test/mocked.test.ts mocks modules',
      'src/packaged.ts': 'imports the package lodash',
      'src/page.tsx': 'JSX is not supported',
      'src/small.ts': 'decides little: 1 of at least 4 branches',
      'lib/check.js': 'decides little: 2 of at least 4 branches',
    });
  });

  it('brings what a module needs into it, with its comments and no more', () => {
    const typed = draft.drafts.find(({ place }) => place.id === 'typed')?.candidate;
    expect(typed?.inlined).toEqual(['src/limits.ts']);
    expect(typed?.source).toContain('/** The usual most. */\n    const LIMIT = HUNDRED;');
    expect(typed?.source).toContain('const MOST = LIMIT;');
    expect(typed?.source).toContain("import * as nodePath from 'node:path';");
    expect(typed?.source).not.toContain('unused()');
    const long = draft.drafts.find(({ place }) => place.id === 'long-first')?.candidate;
    expect(long?.source).not.toMatch(/second|third|lodash/);
  });

  it('refuses what is not there', async () => {
    await expect(
      draftSuite({ ...options, from: path.join(root, 'nowhere') }),
    ).rejects.toMatchObject({
      code: 'init.no-source',
    });
    await expect(
      draftSuite({ ...options, coverage: path.join(root, 'none.json') }),
    ).rejects.toMatchObject({
      code: 'init.coverage-unreadable',
    });
  });
});

describe('a made suite', () => {
  let result: InitResult;
  const deps = () => {
    const sandbox = plainSandbox({ idleMs: 3000 });
    return { sandbox, executor: createExecutor({ sandbox }), typeCheck: createTypeChecker() };
  };

  beforeAll(async () => {
    for await (const event of initSuite(options, draft, deps(), new AbortController().signal)) {
      if (event.type === 'finished') result = event.result;
    }
  }, 120_000);

  it('holds the modules whose tests stand on the grader’s runner', () => {
    const told_ = result.picked.map(({ task, tests, leftOut }) => [
      task.id,
      tests,
      leftOut.map(({ name }) => name),
    ]);
    expect(Object.fromEntries(told_.map(([id, ...rest]) => [id, rest]))).toEqual({
      ava: [2, []],
      chai: [2, []],
      grades: [2, []],
      'long-first': [2, ['is three']],
      mocha: [3, []],
      node: [2, ['test/node.test.mjs > skipped']],
      tape: [2, []],
      typed: [3, ['typed > needs more', 'test/typed.test.ts > typed > fails here']],
    });
    for (const { task } of result.picked) {
      expect([task.id, task.measured.branches.covered]).toEqual([
        task.id,
        task.measured.branches.total,
      ]);
    }
  });

  it('refuses tests that ask little', () => {
    expect(result.refused.find(({ file }) => file === 'src/weak.ts')?.reasons).toEqual([
      expect.stringMatching(/^its tests notice \d+ % of what is changed in it, below 50 %$/),
    ]);
  });

  it('can be loaded, and each task of it is sound', async () => {
    const suite = await loadSuite(options.out);
    expect(suite).toMatchObject({ name: 'demo-grades', quick: expect.arrayContaining(['ava']) });
    expect(suite.tasks.find(({ id }) => id === 'typed')).toMatchObject({ title: 'Grades points' });
    const few = suite.tasks.filter(({ id }) => ['typed', 'grades', 'tape'].includes(id));
    for await (const outcome of checkSuite(few, deps(), 2, new AbortController().signal)) {
      expect(outcome).toMatchObject({ empty: 0, problems: [] });
    }
    expect(await readdir(path.join(options.out, 'waiting/alone'))).toEqual([
      'alone.ts',
      'task.json',
    ]);
    expect(
      await readFile(path.join(options.out, 'test-generation/typed/reference.test.ts'), 'utf8'),
    ).toContain('toBeGrade');
  }, 60_000);

  it('is never written over', async () => {
    const events = initSuite(options, draft, deps(), new AbortController().signal);
    await expect(events.next()).rejects.toMatchObject({ code: 'init.exists' });
  });

  it('is not written at all where nothing stands', async () => {
    const out = path.join(root, 'none');
    const weak = { ...draft, drafts: draft.drafts.filter(({ place }) => place.id === 'weak') };
    await mkdir(path.dirname(out), { recursive: true });
    let last;
    for await (const event of initSuite(
      { ...options, out },
      weak,
      deps(),
      new AbortController().signal,
    ))
      last = event;
    expect(last).toMatchObject({
      type: 'finished',
      result: { suite: { written: false }, picked: [] },
    });
    expect(await readdir(root)).not.toContain('none');
  });
});
