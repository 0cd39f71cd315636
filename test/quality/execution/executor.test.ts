import { describe, expect, it } from 'vitest';
import { createExecutor, type Execution } from '../../../src/quality/execution/index.ts';
import type { TestEvidence } from '../../../src/quality/kinds/test-generation/evidence.ts';
import { plainSandbox } from './plain-sandbox.ts';

const executor = createExecutor({ sandbox: plainSandbox({ idleMs: 1200 }) });

const SUBJECT = `
export interface Options { low?: number }

export class Fault extends Error {}

export function clamp(value: number, options: Options = {}): number {
  const low = options.low ?? 0;
  if (value < low) {
    return low;
  }
  return value;
}

export function count(limit: number): number {
  let total = 0;
  const step = limit > 100 ? 0 : 1;
  for (let i = 0; i < limit; i += step) {
    total += 1;
  }
  return total;
}

export class Box {
  items: unknown[] = [];
  put(item: unknown): this {
    if (item === undefined) throw new Fault('nothing');
    this.items.push(item);
    return this;
  }
}

export async function later(ms: number): Promise<string> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  return 'done';
}
`;
const subject = { fileName: 'subject.ts', source: SUBJECT };

interface Options {
  mutants?: readonly string[];
  reruns?: number;
  testTimeoutMs?: number;
  fileName?: string;
  mustCheck?: boolean;
}

function execute(body: string, options: Options = {}): Promise<Execution> {
  const source = `
    import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
    import { Box, clamp, count, Fault, later } from './subject';
    ${body}`;
  return executeFile(source, options);
}

function executeFile(source: string, options: Options = {}): Promise<Execution> {
  return executor.execute({
    subject,
    test: { fileName: options.fileName ?? 'subject.test.ts', source },
    reruns: options.reruns ?? 2,
    mutants: options.mutants ?? [],
    testTimeoutMs: options.testTimeoutMs ?? 2000,
    mustCheck: options.mustCheck ?? false,
  });
}

type Ran = Extract<Execution, { state: 'ran' }>;

function ran(execution: Execution): Ran {
  if (execution.state !== 'ran') throw new Error(execution.message);
  return execution;
}

function states(tests: readonly TestEvidence[]): Record<string, string> {
  return Object.fromEntries(tests.map(({ name, state }) => [name, state]));
}

async function mutantsOf(operator: string, original?: string): Promise<string[]> {
  const all = await executor.listMutants(subject);
  return all
    .filter(
      ({ mutator, original: text }) =>
        mutator === operator && (original === undefined || text === original),
    )
    .map(({ id }) => id);
}

describe('verdicts', () => {
  it('tells passed, failed and skipped tests apart', async () => {
    const { tests } = ran(
      await execute(`
        it('passes', () => { expect(clamp(1)).toBe(1); });
        it('fails', () => { expect(clamp(1)).toBe(2); });
        it.skip('is skipped', () => {});
      `),
    );
    expect(states(tests)).toEqual({
      passes: 'passed',
      fails: 'failed',
      'is skipped': 'skipped',
    });
    expect(tests[1]?.message).toContain('expected 1 to be 2');
  });

  it('calls a test flaky that passes in some reruns only', async () => {
    // The snapshot that the first run writes is what later runs are compared with.
    const { tests } = ran(
      await execute(`it('x', () => { expect(Math.random()).toMatchSnapshot(); });`),
    );
    expect(tests).toMatchObject([{ name: 'x', state: 'flaky' }]);
  });

  it('keeps tests of the same name apart', async () => {
    const { tests } = ran(
      await execute(`for (const n of [1, 2]) it('same', () => { expect(clamp(n)).toBe(1); });`),
    );
    expect(tests.map(({ name, state }) => [name, state])).toEqual([
      ['same', 'passed'],
      ['same', 'failed'],
    ]);
  });

  it('fails the tests that a failing hook keeps from running', async () => {
    const { tests } = ran(
      await execute(`
        describe('a', () => { beforeAll(() => { throw new Error('no database'); }); it('b', () => {}); });
        it('c', () => {});
      `),
    );
    expect(tests).toEqual([
      { name: 'a > b', state: 'failed', message: 'no database' },
      { name: 'c', state: 'passed' },
    ]);
  });

  it('does not let the argument spy fail a test', async () => {
    const { tests, boundaryClasses } = ran(
      await execute(`
        it('compares methods', () => {
          const put = Box.prototype.put;
          expect(new Box().put).toBe(put);
          expect(String(clamp)).toContain('low');
          expect(Box.prototype.constructor).toBe(Box);
          expect(new Box().put('').items).toEqual(['']);
        });
      `),
    );
    expect(tests).toEqual([{ name: 'compares methods', state: 'passed' }]);
    expect(boundaryClasses).toEqual(expect.any(Array));
  });
});

describe('files that do not load', () => {
  it.each([
    ['syntax', `import { it } from 'vitest'; it('x', () => {`, /line 1: /],
    [
      'an unknown module',
      `import x from 'lodash'; import { it } from 'vitest'; it('x', () => x);`,
      /"lodash"/,
    ],
    ['an unknown file', `import x from './helpers'; x();`, /"\.\/helpers"/],
    ['no test', `import { clamp } from './subject'; clamp(1);`, /No test suite found/],
    [
      'an error while loading',
      `import { it } from 'vitest'; it('x', () => {}); throw new Error('at load');`,
      /at load/,
    ],
    [
      'a module that is kept out',
      `import cp from 'node:child_process'; cp.exec('ls');`,
      /child_process/,
    ],
    [
      'module mocks',
      `import { it, vi } from 'vitest'; vi.mock('./subject'); it('x', () => {});`,
      /vi\.mock\(\) is not available/,
    ],
    [
      'a loop while loading',
      `import { it } from 'vitest'; it('x', () => {}); for (;;);`,
      /does not come to an end while it loads/,
    ],
    [
      'an exit while loading',
      `import { it } from 'vitest'; it('x', () => {}); process.exit(0);`,
      /process\.exit/,
    ],
    ['too much text', `//${'x'.repeat(256 * 1024)}`, /larger than 256 KiB/],
    ['deep nesting', `const x = ${'['.repeat(50_000)}${']'.repeat(50_000)};`, /./],
  ])('%s', async (_, source, message) => {
    const execution = await executeFile(source);
    expect(execution).toEqual({ state: 'not-loaded', message: expect.stringMatching(message) });
  });

  it('a subject that does not parse', async () => {
    const execution = await executor.execute({
      subject: { fileName: 'subject.ts', source: 'export function (' },
      test: { fileName: 'subject.test.ts', source: `import './subject';` },
      reruns: 1,
      mutants: [],
      testTimeoutMs: 1000,
      mustCheck: false,
    });
    expect(execution).toMatchObject({
      state: 'not-loaded',
      message: expect.stringContaining('subject.ts'),
    });
  });
});

describe('hostile and broken tests', () => {
  it('goes on after tests that hang', async () => {
    const { tests, statements } = ran(
      await execute(`
        it('first', () => { expect(clamp(1)).toBe(1); });
        it('hangs', () => { for (;;); });
        it('waits for nothing', async () => { await new Promise(() => {}); });
        it('last', () => { expect(clamp(-1)).toBe(0); });
      `),
    );
    expect(states(tests)).toEqual({
      first: 'passed',
      hangs: 'timeout',
      'waits for nothing': 'timeout',
      last: 'passed',
    });
    expect(statements.covered.length).toBeGreaterThan(0);
  });

  it('gives up when too many tests hang', async () => {
    const { tests } = ran(
      await execute(
        `for (let i = 0; i < 5; i += 1) it('hangs ' + i, () => { for (;;); }); it('fine', () => {});`,
      ),
    );
    expect(tests.map(({ state }) => state)).toEqual([
      'timeout',
      'timeout',
      'timeout',
      'timeout',
      'failed',
      'failed',
    ]);
    expect(tests.at(-1)).toMatchObject({
      name: 'fine',
      state: 'failed',
      message: expect.stringContaining('Not run'),
    });
  }, 60_000);

  it('fails a test that exits, by the door or through the window', async () => {
    const { tests } = ran(
      await execute(`
        it('exits', () => { process.exit(0); });
        it('escapes', () => { setTimeout.constructor('return process')().exit(0); });
        it('stays', () => { expect(clamp(3)).toBe(3); });
      `),
    );
    expect(states(tests)).toEqual({ exits: 'failed', escapes: 'failed', stays: 'passed' });
  });

  it('believes no line but its own', async () => {
    const { tests, mutants } = ran(
      await execute(
        `
        import { writeSync } from 'node:fs';
        it('forges', () => {
          writeSync(1, '{"type":"done"}\\n0123456789abcdef {"type":"mutated","id":"0","state":"killed"}\\nhalf a line');
          expect(1).toBe(2);
        });
        it('honest', () => { clamp(1); });
      `,
        { mutants: await mutantsOf('EqualityOperator', 'value < low') },
      ),
    );
    expect(states(tests)).toEqual({ forges: 'failed', honest: 'passed' });
    expect(mutants.map(({ state }) => state)).toEqual(['survived', 'survived']);
  });

  it('survives patched prototypes and globals', async () => {
    const { tests } = ran(
      await execute(`
        it('patches', () => {
          for (const name of ['push', 'map', 'forEach', 'filter', Symbol.iterator]) Array.prototype[name] = () => { throw new Error('patched'); };
          JSON.stringify = () => '{}';
          Promise.prototype.then = function () { throw new Error('patched'); };
          globalThis.setTimeout = undefined;
          Object.defineProperty(Object.prototype, 'state', { get: () => 'passed', configurable: true });
        });
        it('fails', () => { throw new Error('truly'); });
        it('passes', () => {});
      `),
    );
    // The first may well have broken what it is itself checked with.
    expect(states(tests)).toMatchObject({ fails: 'failed', passes: 'passed' });
    expect(tests).toHaveLength(3);
  });

  it('cannot tell which mutant is on', async () => {
    const mutants = await mutantsOf('ArithmeticOperator');
    const { tests } = ran(
      await execute(
        `
        it('looks', () => {
          clamp(1);
          expect(Object.keys(globalThis).filter((name) => /stryker|cov|aqe/i.test(name))).toEqual([]);
          expect(() => eval('stryMutAct_9fa48')).toThrow(ReferenceError);
        });
      `,
        { mutants },
      ),
    );
    expect(tests).toMatchObject([{ state: 'passed' }]);
  });

  it('ends a test that eats memory', async () => {
    const { tests } = ran(
      await execute(`
        it('eats', () => { const all = []; for (;;) all.push(new Array(1e6).fill(all.length)); });
        it('fasts', () => {});
      `),
    );
    expect(states(tests)).toMatchObject({ fasts: 'passed' });
    expect(states(tests)['eats']).not.toBe('passed');
  }, 60_000);
});

describe('coverage', () => {
  it('maps what is uncovered to the lines of the TypeScript source', async () => {
    const execution = ran(await execute(`it('x', () => { expect(clamp(1)).toBe(1); });`));
    const lines = SUBJECT.split('\n');
    const uncovered = execution.uncoveredLines.map((line) => lines[line - 1]?.trim());
    expect(uncovered).toContain('return low;');
    expect(uncovered).toContain("return 'done';");
    expect(uncovered).not.toContain('return value;');
    expect(uncovered).not.toContain('if (value < low) {');
  });

  it('counts nothing that a failing test covers', async () => {
    const { statements, branches } = ran(
      await execute(`it('x', () => { expect(clamp(-1)).toBe(1); });`),
    );
    expect(statements.covered).toEqual([]);
    expect(branches.covered).toEqual([]);
    expect(statements.total.length).toBeGreaterThan(5);
  });

  it('counts what hooks and describe bodies cover once a test passes', async () => {
    const body = (expected: number): string => `
      describe('d', () => { const made = clamp(-1); it('x', () => { expect(made).toBe(${expected}); }); });`;
    const passing = ran(await execute(body(0)));
    const failing = ran(await execute(body(1)));
    expect(passing.statements.covered.length).toBeGreaterThan(0);
    expect(failing.statements.covered).toEqual([]);
  });

  it('leaves out what loading the subject covers', async () => {
    const execution = await executor.execute({
      subject: {
        fileName: 'a.ts',
        source: 'export const table = [1, 2];\nexport const f = () => table.length;',
      },
      test: {
        fileName: 'a.test.ts',
        source: `import { expect, it } from 'vitest'; import { f } from './a.js'; it('x', () => { expect(f()).toBe(2); });`,
      },
      reruns: 1,
      mutants: [],
      testTimeoutMs: 1000,
      mustCheck: false,
    });
    expect(ran(execution).statements).toEqual({ covered: ['s2'], checked: ['s2'], total: ['s2'] });
  });
});

describe('boundary classes', () => {
  it('sees arguments, what arrays and objects hold, constructors and methods', async () => {
    const { boundaryClasses } = ran(
      await execute(`
        it('zero and NaN', () => { clamp(0); clamp(NaN); });
        it('inside', () => { clamp(1, { low: -1 }); new Box().put(['']).put([]); new Box().put(null); });
        it('largest', () => { clamp(Number.MAX_SAFE_INTEGER); });
      `),
    );
    expect(boundaryClasses).toEqual([
      'empty-array',
      'empty-string',
      'max',
      'minus-one',
      'nan',
      'null',
      'zero',
    ]);
  });

  it('does not count those of failing tests, nor those only written down', async () => {
    const { boundaryClasses } = ran(
      await execute(`
        it('fails', () => { clamp(0); throw new Error(); });
        it('writes', () => { const values = [NaN, null, '', []]; expect(values).toHaveLength(4); clamp(5); });
      `),
    );
    expect(boundaryClasses).toEqual([]);
  });
});

describe('mutants', () => {
  it('have ids that are unique, stable and say what they change', async () => {
    const first = await executor.listMutants(subject);
    const second = await createExecutor({ sandbox: plainSandbox({ idleMs: 1200 }) }).listMutants(
      subject,
    );
    expect(second).toEqual(first);
    expect(new Set(first.map(({ id }) => id)).size).toBe(first.length);
    expect(first.find(({ mutator }) => mutator === 'EqualityOperator')).toEqual({
      id: '8:6-8:17 EqualityOperator value <= low',
      mutator: 'EqualityOperator',
      line: 8,
      original: 'value < low',
      replacement: 'value <= low',
    });
  });

  it('are killed, survive, or are not covered', async () => {
    const [edge, turned] = await mutantsOf('EqualityOperator', 'value < low');
    const [elsewhere] = await mutantsOf('StringLiteral', "'done'");
    const mutants = [edge, turned, elsewhere].filter((id) => id !== undefined);
    const execution = ran(
      await execute(`it('x', () => { expect(clamp(1)).toBe(1); expect(clamp(-1)).toBe(0); });`, {
        mutants,
      }),
    );
    expect(execution.mutants).toEqual([
      { id: edge, state: 'survived' },
      { id: turned, state: 'killed' },
      { id: elsewhere, state: 'no-coverage' },
    ]);
  });

  it('count as detected when they do not come to an end, and the next are tried', async () => {
    const [inside] = await mutantsOf('AssignmentOperator', 'i += step');
    const [outside] = await mutantsOf('EqualityOperator', 'limit > 100');
    const [after] = await mutantsOf('StringLiteral', "'done'");
    const mutants = [inside, outside, after].filter((id) => id !== undefined);
    const execution = ran(
      await execute(
        `it('counts', () => { expect(count(100)).toBe(100); });
         it('waits', async () => { expect(await later(1)).toBe('done'); });`,
        { mutants },
      ),
    );
    expect(execution.mutants).toEqual([
      { id: inside, state: 'timeout' },
      { id: outside, state: 'timeout' },
      { id: after, state: 'killed' },
    ]);
  });

  it('are killed by snapshots of the unchanged subject', async () => {
    const mutants = await mutantsOf('StringLiteral', "'done'");
    const execution = ran(
      await execute(`it('x', async () => { expect(await later(1)).toMatchSnapshot(); });`, {
        mutants,
      }),
    );
    expect(execution.mutants).toMatchObject([{ state: 'killed' }]);
  });

  it('are tried with tests that pass in every rerun only', async () => {
    const mutants = await mutantsOf('StringLiteral', "'done'");
    const execution = ran(
      await execute(`it('x', async () => { expect(await later(1)).toBe('other'); });`, { mutants }),
    );
    expect(execution.mutants).toMatchObject([{ state: 'no-coverage' }]);
  });
});

describe('tests that must check', () => {
  const mutantsOfClamp = async (): Promise<string[]> =>
    (await executor.listMutants(subject))
      .filter(({ line }) => line >= 7 && line <= 12)
      .map(({ id }) => id);
  const check = async (body: string): Promise<Ran> =>
    ran(await execute(body, { mutants: await mutantsOfClamp(), mustCheck: true }));
  const killed = ({ mutants }: Ran): number =>
    mutants.filter(({ state }) => state === 'killed').length;
  const honest = `it('honest', () => { expect(clamp(-1)).toBe(0); expect(clamp(1)).toBe(1); });`;

  it('are vacuous if no expectation of theirs fails on a mutant', async () => {
    const execution = await check(`
      it('calls', () => { clamp(-1); clamp(1, { low: 0 }); expect(true).toBe(true); });
      it('elsewhere', () => { expect(new Box().items).toEqual([]); });
      it('nothing', () => { clamp(1); });
      ${honest}`);
    expect(states(execution.tests)).toEqual({
      calls: 'vacuous',
      elsewhere: 'vacuous',
      nothing: 'failed',
      honest: 'passed',
    });
  });

  it('earn nothing by what they run, or by errors on the way, if they are vacuous', async () => {
    const calls = `clamp(-1); clamp(1, { low: 0 });`;
    const execution = await check(
      `it('x', () => { ${calls} expect(clamp(0).toFixed(0).length > 0 || true).toBe(true); });`,
    );
    expect(killed(execution)).toBe(0);
    expect(execution.statements.covered).toEqual([]);
    expect(execution.boundaryClasses).toEqual([]);
  });

  it('may notice a mutant by an error, if they check anything', async () => {
    const body = `expect(clamp(-1).toFixed(1)).toBe('0.0'); expect(clamp(2).toFixed(1)).toBe('2.0');`;
    const execution = await check(`it('x', () => { ${body} });`);
    expect(states(execution.tests)).toEqual({ x: 'passed' });
    const empty = (await mutantsOfClamp()).find((id) => id.endsWith('BlockStatement {}'));
    expect(execution.mutants.find(({ id }) => id === empty)).toMatchObject({ state: 'killed' });
  });

  it('check what they run only where a change is noticed', async () => {
    const execution = await check(`it('x', () => { clamp(-1); expect(clamp(1)).toBe(1); });`);
    const { covered, checked } = execution.statements;
    expect(checked.length).toBeLessThan(covered.length);
    expect(covered).toEqual(expect.arrayContaining(checked));
    const all = (await check(honest)).statements;
    expect(all.checked).toEqual(all.covered);
  });

  it('prove nothing by snapshots that are not handed in', async () => {
    const execution = await check(`
      it('kept', () => { expect(clamp(-1)).toMatchSnapshot(); });
      it('written', () => { expect(clamp(-1)).toMatchInlineSnapshot('0'); });`);
    expect(states(execution.tests)).toEqual({ kept: 'vacuous', written: 'passed' });
  });

  it('count custom matchers, soft expectations and counted assertions', async () => {
    const execution = await check(`
      expect.extend({ toBeLow: (value) => ({ pass: value === 0, message: () => 'not low' }) });
      it('custom', () => { expect(clamp(-1)).toBeLow(); });
      it('soft', () => { expect.soft(clamp(-1)).toBe(0); });
      it('counted', () => { expect.assertions(1); if (clamp(-1) === 0) expect(1).toBe(1); });`);
    expect(states(execution.tests)).toEqual({
      custom: 'passed',
      soft: 'passed',
      counted: 'passed',
    });
  });

  it('are flaky if they do not pass after the mutants, on the unchanged subject', async () => {
    // Nobody looks after the environment of the process itself.
    const execution = await check(`
      it('counts', () => {
        clamp(-1); clamp(1);
        const { env } = URL.constructor('return process')();
        env.COUNT = Number(env.COUNT ?? 0) + 1;
        expect(Number(env.COUNT)).toBeLessThan(4);
      });
      ${honest}`);
    expect(states(execution.tests)).toEqual({ counts: 'flaky', honest: 'passed' });
  });

  it('find the globals and the modules of Node as they were', async () => {
    const execution = await check(`
      import path from 'node:path';
      it('module', () => { expect(path.join.left).toBeUndefined(); path.join.left = 1; expect(clamp(-1)).toBe(0); });
      it('global', () => { expect(atob.left).toBeUndefined(); atob.left = 1; expect(clamp(-1)).toBe(0); });`);
    expect(states(execution.tests)).toEqual({ module: 'passed', global: 'passed' });
  });
});

describe('mutant runs', () => {
  // The test passes in an untouched context only, and kills nothing.
  it.each([
    ['globals', `expect(globalThis.left).toBeUndefined(); globalThis.left = 1;`],
    ['prototypes', `expect([].left).toBeUndefined(); Array.prototype.left = 1;`],
    ['replaced methods', `expect(Math.abs(-1)).toBe(1); Math.abs = () => 5;`],
    [
      'iterators',
      `expect('left' in [].values()).toBe(false); Object.getPrototypeOf([].values()).left = 1;`,
    ],
    ['the environment', `expect(process.env.LEFT).toBeUndefined(); process.env.LEFT = 'x';`],
    ['the console', `expect(console.log.mock).toBeUndefined(); vi.spyOn(console, 'log');`],
    ['clocks', `expect(vi.isFakeTimers()).toBe(false); vi.useFakeTimers();`],
    ['dates', `expect(Date.now()).toBeGreaterThan(5); vi.setSystemTime(5);`],
    ['mocks', `const f = vi.fn(); f(); expect(f.mock.invocationCallOrder).toEqual([1]);`],
    [
      'matchers',
      `expect(expect.toBeLeft).toBeUndefined(); expect.extend({ toBeLeft: () => ({ pass: true, message: () => '' }) });`,
    ],
    ['equality', `expect(1).not.toEqual(2); expect.addEqualityTesters([() => true]);`],
    ["Node's own objects", `expect(Buffer.left).toBeUndefined(); Buffer.left = 1;`],
    [
      "replaced methods of Node's own",
      `expect(crypto.randomUUID()).toHaveLength(36); crypto.randomUUID = () => 'x';`,
    ],
    [
      'timers',
      `expect(globalThis.left).toBeUndefined(); setTimeout(() => { globalThis.left = 1; }, 0);`,
    ],
    [
      'promises',
      `expect(globalThis.left).toBeUndefined(); Promise.resolve().then(() => {}).then(() => { globalThis.left = 1; });`,
    ],
  ])('start without what others left in %s', async (_, body) => {
    const all = await executor.listMutants(subject);
    const mutants = all.filter(({ line }) => line >= 6 && line <= 12).map(({ id }) => id);
    const execution = ran(
      await execute(`it('x', () => { try { clamp(1); clamp(-1); } catch {} ${body} });`, {
        mutants,
      }),
    );
    expect(execution.tests).toMatchObject([{ state: 'passed' }]);
    expect(new Set(execution.mutants.map(({ state }) => state))).toEqual(new Set(['survived']));
  });
});

describe('fuzzMutants', () => {
  it('finds the mutants whose traces differ', async () => {
    const all = await executor.listMutants(subject);
    const mutants = all.filter(({ line }) => line >= 6 && line <= 12).map(({ id }) => id);
    const killed = await executor.fuzzMutants({
      subject,
      fuzzSource: `
        import type * as Subject from './subject';
        export default function trace(subject: typeof Subject, random: () => number): unknown {
          return [subject.clamp(Math.floor(random() * 9) - 4), subject.clamp(random(), { low: NaN })];
        }`,
      mutants,
      seeds: 30,
    });
    const [edge, turned] = await mutantsOf('EqualityOperator', 'value < low');
    expect(killed).toContain(turned);
    expect(killed).not.toContain(edge);
  });

  it('refuses a source that gives no trace', async () => {
    const job = { subject, fuzzSource: 'export const x = ;', mutants: [], seeds: 3 };
    await expect(executor.fuzzMutants(job)).rejects.toThrow('Unexpected');
  });
});

describe('trace', () => {
  const trace = (body: string) =>
    executor.trace({
      subject,
      test: {
        fileName: 'a.test.ts',
        source: `import { expect, it } from 'vitest'; import { clamp } from './subject'; ${body}`,
      },
      testTimeoutMs: 1000,
    });

  it('tells what each test reaches, whether it passes or not', async () => {
    const traced = await trace(`
      it('low', () => { expect(clamp(-1)).toBe(99); });
      it('high', () => { clamp(1); });`);
    if (traced.state !== 'ran') throw new Error(traced.message);
    const { tests, lines, arms } = traced;
    expect(tests.map(({ name, state }) => `${name} ${state}`)).toEqual([
      'low failed',
      'high passed',
    ]);
    const touchedLines = tests.map(({ touched }) =>
      touched.flatMap((key) => lines.get(key) ?? []).sort((a, b) => a - b),
    );
    expect(touchedLines).toEqual([
      [7, 8, 9],
      [7, 8, 11],
    ]);
    const taken = tests.map(({ touched }) =>
      arms
        .filter(({ key, line }) => line === 8 && touched.includes(key))
        .map(({ type, index }) => `${type} ${index}`),
    );
    expect(taken).toEqual([['if 0'], ['if 1']]);
  });

  it('names every way that a branch can go, in the order of the source', async () => {
    const source = `export function f(a, b = 1) {
  if (a) return b ? 1 : 2;
  switch (b) {
    case 1: return a && b;
    default: return 0;
  }
}`;
    const traced = await executor.trace({
      subject: { fileName: 'subject.ts', source },
      test: { fileName: 'a.test.ts', source: `import './subject'; it('loads', () => {});` },
      testTimeoutMs: 1000,
    });
    if (traced.state !== 'ran') throw new Error(traced.message);
    expect(traced.arms.map(({ line, type, index }) => `${line} ${type} ${index}`)).toEqual([
      '1 default-arg 0',
      '2 if 0',
      '2 if 1',
      '2 cond-expr 0',
      '2 cond-expr 1',
      '4 switch 0',
      '4 binary-expr 0',
      '4 binary-expr 1',
      '5 switch 1',
    ]);
  });

  it('tells why a file does not load', async () => {
    expect(await trace('it(')).toMatchObject({ state: 'not-loaded' });
    expect(await trace('throw new Error("no")')).toEqual({ state: 'not-loaded', message: 'no' });
  });
});

it('stops when it is told to', async () => {
  const job = {
    subject,
    test: { fileName: 'a.test.ts', source: `import './subject'; for (;;);` },
    reruns: 1,
    mutants: [],
    testTimeoutMs: 1000,
    mustCheck: false,
  };
  await expect(executor.execute(job, AbortSignal.abort(new Error('enough')))).rejects.toThrow(
    'enough',
  );
});
