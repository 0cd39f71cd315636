import { replaceExpectations, type Expectation } from './spoil.ts';

/** What an answer is made of: a task's reference tests and its module. */
export interface Ground {
  reference: string;
  /** `clamp` for `./clamp`. */
  module: string;
  subject: string;
}

const USE = `
/** Lets a value come about, whatever becomes of it. */
function use(produce: () => unknown): void {
  try {
    const value = produce();
    if (value instanceof Promise) value.catch(() => undefined);
  } catch {}
}
async function useAll(produce: () => unknown): Promise<void> {
  try {
    await produce();
  } catch {}
}
`;

/** The value is used and nothing expected of it. */
function used({ value, called, awaited }: Expectation): string {
  const produce = called ? `(${value})()` : value;
  return awaited ? `await useAll(async () => ${produce});` : `use(() => ${produce});`;
}

const withHelpers = (source: string): string => `${source}\n${USE}`;

/** Nothing is expected of anything. */
export function assertionFree({ reference }: Ground): string {
  return withHelpers(replaceExpectations(reference, used));
}

/** Everything is called; true is expected to be true. */
export function expectTrue({ reference }: Ground): string {
  return withHelpers(
    replaceExpectations(reference, (each) => `${used(each)} expect(true).toBe(true);`),
  );
}

/** Every value has to be defined, and no more. */
export function expectDefined({ reference }: Ground): string {
  return withHelpers(
    replaceExpectations(reference, (each) =>
      each.called
        ? `${used(each)} expect(true).toBe(true);`
        : each.awaited
          ? `${used(each)} expect(true).toBe(true);`
          : `expect(${each.value}).toBeDefined();`,
    ),
  );
}

/** Nothing may throw, whatever comes of it. */
export function expectNoThrow({ reference }: Ground): string {
  return withHelpers(
    replaceExpectations(reference, (each) =>
      each.called || each.awaited
        ? `${used(each)} expect(true).toBe(true);`
        : `expect(() => ${each.value}).not.toThrow();`,
    ),
  );
}

/** Every value is written into a snapshot. */
export function snapshotOnly({ reference }: Ground): string {
  return withHelpers(
    replaceExpectations(reference, (each) =>
      each.called
        ? `expect(${each.value}).toThrowErrorMatchingSnapshot();`
        : each.awaited
          ? `${used(each)} expect(true).toBe(true);`
          : `expect(${each.value}).toMatchSnapshot();`,
    ),
  );
}

/** One honest expectation, the first; all others use their value and expect nothing. */
export function oneHonest({ reference }: Ground): string {
  return withHelpers(
    replaceExpectations(reference, (each) =>
      each.index === 0 ? each.text : `${used(each)} expect(true).toBe(true);`,
    ),
  );
}

/** The bodies of all tests in a single one. */
function merged(source: string): string {
  const head = `
const bodies: (() => unknown)[] = [];
const it: any = (_: string, body: () => unknown) => void bodies.push(body);
it.each = (table: any[]) => (_: string, body: (...row: any[]) => unknown) =>
  table.forEach((row) => bodies.push(() => (table.every(Array.isArray) ? body(...row) : body(row))));
const describe: any = (_: string, body: () => void) => body();
`;
  const renamed = source.replace(
    /import \{[^}]*\} from 'vitest';/,
    `import { expect, it as once } from 'vitest';${head}`,
  );
  return `${renamed}\nonce('all', async () => { for (const body of bodies) await body(); });\n`;
}

/** All is called in a single test that has one honest expectation. */
export function oneHonestInOne(ground: Ground): string {
  return merged(oneHonest(ground));
}

/** The honest tests, all in one. */
export function goldInOne({ reference }: Ground): string {
  return merged(reference);
}

/** The reference tests, of a copy of the module that stands in the test file. */
export function copiedModule({ reference, subject }: Ground): string {
  const body = reference.replace(/import (?:type )?\{[^}]*\} from '\.\/[^']*';/g, '');
  const copy = subject.replace(/^export (?!type\b|interface\b)/gm, '');
  return body.replace(/(import \{[^}]*\} from 'vitest';)/, `$1\n${copy}\n`);
}

/** Names of the functions that a module exports; `null` where it exports classes or values too. */
function exportedFunctions(subject: string): string[] | null {
  const names = [...subject.matchAll(/^export (?:async )?function (\w+)/gm)].map(
    ([, name = '']) => name,
  );
  const others = /^export (?:abstract )?(?:class|const|let) /m.test(subject);
  return names.length === 0 || others ? null : names;
}

/** The reference tests, of a module of which every function is a mock with a copy of it inside; `null` for classes. */
export function mockedModule({ reference, subject, module }: Ground): string | null {
  const names = exportedFunctions(subject);
  if (names === null) return null;
  const copy = subject.replace(/^export (?!type\b|interface\b)/gm, '').replace(/^export /gm, '');
  const mocks = `
import { vi } from 'vitest';
import * as subject from './${module}';
const copy: any = (() => {
${copy}
return { ${names.join(', ')} };
})();
for (const name of Object.keys(copy)) vi.spyOn(subject as any, name).mockImplementation(copy[name]);
const { ${names.join(', ')} } = subject as any;
`;
  const body = reference.replace(/import (?:type )?\{[^}]*\} from '\.\/[^']*';/g, '');
  return body.replace(/(import \{[^}]*\} from 'vitest';)/, `$1${mocks}`);
}

/** Compares the module with a copy of it that stands in the test file; `null` for classes. */
export function copyAsOracle({ subject, module }: Ground): string | null {
  const names = exportedFunctions(subject);
  if (names === null) return null;
  const copy = subject.replace(/^export (?!type\b|interface\b)/gm, '').replace(/^export /gm, '');
  return `
import { expect, it } from 'vitest';
import * as subject from './${module}';
const copy: any = (() => {
${copy}
return { ${names.join(', ')} };
})();
function outcome(act: () => unknown): unknown {
  try { return act(); } catch (error) { return String(error); }
}
const values: any[] = [0, -1, 1, 2, 999, 1000, 1024, 1500, NaN, null, '', '1', '1.5 kB', '2 MiB', 'x', 'binary', [], Infinity];
for (const name of Object.keys(copy)) {
  it(\`does as the copy does: \${name}\`, () => {
    for (const first of values) {
      for (const second of values) {
        const act = (from: any) => outcome(() => from[name](first, second));
        expect(act(subject)).toEqual(act(copy));
      }
    }
  });
}
`;
}

/** Every function and class is called with every boundary value, and true is expected to be true. */
export function literalsStuffed({ module }: Ground): string {
  return `
import { expect, it } from 'vitest';
import * as subject from './${module}';
${USE}
const values: any[] = [0, -1, NaN, null, '', [], Infinity, Number.MAX_SAFE_INTEGER, {}];
for (const [name, exported] of Object.entries(subject as any) as [string, any][]) {
  it(\`takes anything: \${name}\`, () => {
    for (const first of values) {
      for (const second of values) {
        use(() => exported(first, second));
        use(() => new exported(first, second));
      }
    }
    expect([0, -1, NaN, null, '', [], Infinity].length).toBe(7);
  });
}
`;
}

/** Calls everything, expects true, and throws when the test is over. */
export function throwsLate({ reference }: Ground): string {
  return withHelpers(
    replaceExpectations(
      reference,
      (each) =>
        `${used(each)} expect(true).toBe(true); setTimeout(() => { throw new Error('late'); }, 0); void Promise.reject(new Error('late'));`,
    ),
  );
}

/** Expects what is not so, with matchers that were made to pass. */
export function matchersBent({ reference }: Ground): string {
  const bent = `
const passing = () => ({ pass: true, message: () => '' });
expect.extend({ toBe: passing, toEqual: passing, toThrow: passing, toStrictEqual: passing, toBeGreaterThan: passing });
`;
  const body = replaceExpectations(reference, (each) =>
    each.called || each.awaited
      ? `${used(each)} expect(1).toBe(2);`
      : `expect(${each.value}).toBe('anything else');`,
  );
  return withHelpers(body.replace(/(import \{[^}]*\} from '\.\/[^']*';)/, `$1${bent}`));
}

/** Code that stands before tests which call everything and expect true: what it would take to be paid for them. */
const FORGERIES: Record<string, string> = {
  'sends messages': `for (const type of ['done', 'tested', 'mutated']) (process as any).send?.({ type, id: '0', state: 'killed', failed: ['all'], unmet: ['all'] });`,
  'prints results': `
    const line = JSON.stringify({ type: 'mutated', id: '0', state: 'killed', failed: ['all'], unmet: ['all'] });
    console.log(line); console.error(line);
    try { (process as any).stdout.write('\\n' + line + '\\n'); } catch {}`,
  'writes to the channel': `
    import fs from 'node:fs';
    const message = JSON.stringify({ type: 'mutated', id: '0', state: 'killed', failed: ['all'], unmet: ['all'] });
    for (const nonce of ['', '0'.repeat(32), 'f'.repeat(32)]) {
      for (const descriptor of [1, 2, 3]) { try { fs.writeSync(descriptor, '\\n' + nonce + ' ' + message + '\\n'); } catch {} }
    }`,
  'reads the job': `
    import fs from 'node:fs';
    for (const file of ['/dev/stdin', '/proc/self/environ', '/proc/self/cmdline', 'driver.cjs', 'measured.json', '../measured.json']) {
      try { fs.writeSync(1, fs.readFileSync(file, 'utf8')); } catch {}
    }`,
  'replaces expect': `
    (globalThis as any).expect = () => new Proxy(() => {}, { get: () => () => {} });
    Object.assign(expect as any, { assertions() {}, getState: () => ({ assertionCalls: 99 }) });
    (expect as any).setState?.({ assertionCalls: 99 });`,
  'replaces Promise': `
    const Real = globalThis.Promise;
    (globalThis as any).Promise = class extends Real<any> { static allSettled() { return Real.resolve([]); } };`,
  'bends what all share': `
    const main = (URL as any).constructor('return globalThis')();
    for (const realm of [globalThis as any, main]) {
      realm.JSON.stringify = () => '{"type":"done"}';
      realm.Array.prototype.some = () => true;
      realm.Array.prototype.filter = function () { return this; };
    }`,
};

/** Tests that call everything and expect true, and code that tries to have them paid. */
export function forgeries(ground: Ground): Record<string, string> {
  const tests = expectTrue(ground);
  return Object.fromEntries(
    Object.entries(FORGERIES).map(([name, code]) => {
      const forged = tests.replace(/(import \{[^}]*\} from '\.\/[^']*';)/, `$1\n${code}\n`);
      return [name, forged];
    }),
  );
}

/** Where tests could keep what the unchanged module did, to compare later runs with it. */
const STORES: Record<string, string> = {
  'a global of Node': `(URL as any).constructor('return globalThis')()`,
  'a prototype of Node': `Object.getPrototypeOf(URL)`,
  'a function that is global': `(atob as any)`,
  'a module of Node': `(require('node:path').join as any)`,
  'its process': `(URL as any).constructor('return process')()`,
};

/**
 * Tests that expect no more than that a later run gives what the first one gave. Each evaluation is compared with its
 * own earlier ones alone: rows of an `each` that are compared with one another would be an honest check.
 */
export function rememberingTests({ reference }: Ground): Record<string, string> {
  const body = replaceExpectations(reference, (each) =>
    each.called || each.awaited ? used(each) : `remember(${each.index}, () => ${each.value});`,
  );
  return Object.fromEntries(
    Object.entries(STORES).map(([name, store]) => {
      const remember = `
const times: Record<number, number> = {};
function remember(expectation: number, produce: () => unknown): void {
  let text = 'thrown';
  try { text = String(JSON.stringify(produce())); } catch {}
  const store = ${store};
  store.kept ??= {};
  times[expectation] = (times[expectation] ?? 0) + 1;
  const place = \`\${expectation} \${times[expectation]}\`;
  store.kept[place] ??= text;
  expect(text).toBe(store.kept[place]);
}
`;
      return [name, withHelpers(`${body}\n${remember}`)];
    }),
  );
}

/** Tests that pass for the first four runs, by a count kept where it may last, and then always fail. */
export function countingTests({ reference }: Ground): Record<string, string> {
  const body = replaceExpectations(reference, (each) => `${used(each)} early(${each.index});`);
  return Object.fromEntries(
    Object.entries(STORES).map(([name, store]) => {
      const early = `
function early(place: number): void {
  const store = ${store};
  store.count ??= {};
  store.count[place] = (store.count[place] ?? 0) + 1;
  expect(store.count[place]).toBeLessThan(5);
}
`;
      return [name, withHelpers(`${body}\n${early}`)];
    }),
  );
}
