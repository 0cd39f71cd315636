import { describe, expect, it } from 'vitest';
import { createTypeChecker } from '../../src/quality/type-check.ts';

const subject = {
  fileName: 'double.ts',
  source: `export function double(value: number): number { return value * 2; }`,
};
const check = createTypeChecker();
const errorsOf = (body: string, head = ''): string[] =>
  check(subject, {
    fileName: 'answer.test.ts',
    source: `import { expect, it, vi } from 'vitest';\nimport { double } from './double';\n${head}\nit('doubles', async () => {\n${body}\n});\n`,
  });

describe('the type checker', () => {
  it.each([
    'expect(double(2)).toBe(4);',
    'const spy = vi.fn((n: number) => double(n)); expect(spy(1)).toBe(2); expect(spy).toHaveBeenCalledWith(1);',
    'vi.useFakeTimers().setSystemTime(0); setTimeout(() => {}, 5); vi.advanceTimersByTime(5);',
    'expect([1, 2].map(double)).toEqual(expect.arrayContaining([2]));',
    'await expect(Promise.resolve(double(1))).resolves.toBe(2);',
    "expect(double(1)).toMatchInlineSnapshot('2'); expect.assertions(1);",
    'expect(() => double(null as any)).not.toThrow(); expect(double(null)).toBe(0);',
    "expect(Buffer.from('a').length).toBe(double(0.5)); expect(new URL('http://a').host).toBe('a');",
    'console.log(process.env.HOME); expect([3, 1].toSorted()).toEqual([1, 3]);',
  ])('finds nothing wrong with %s', (body) => {
    expect(errorsOf(body)).toEqual([]);
  });

  it('takes globals and the names of Jest', () => {
    const source = `import { double } from './double';\ndescribe('d', () => { beforeEach(() => { jest.fn(); }); it.each([[1, 2]])('x', (a, b) => { expect(double(a)).toBe(b); }); });`;
    expect(check(subject, { fileName: 'answer.test.ts', source })).toEqual([]);
  });

  it('names line, column and what is wrong', () => {
    expect(errorsOf("expect(double('2')).toBe(4);")).toEqual([
      "5:15 Argument of type 'string' is not assignable to parameter of type 'number'.",
    ]);
    expect(errorsOf('expect(double(2)).toBee(4);')).toEqual([
      expect.stringContaining("Property 'toBee' does not exist"),
    ]);
    expect(errorsOf('triple(2);', "import { triple } from './double';")).toEqual([
      expect.stringContaining("no exported member 'triple'"),
    ]);
    expect(
      errorsOf('readFileSync(2, true);', "import { readFileSync } from 'node:fs';"),
    ).toHaveLength(1);
  });

  it('knows subjects in JavaScript: parameters may be left out, JSDoc counts', () => {
    const body =
      "import { expect, it } from 'vitest';\nit('x', () => { expect(shorten('a')).toBe('a'); shorten(";
    const errors = (fileName: string, source: string, head: string, argument: string): string[] =>
      check(
        { fileName, source },
        { fileName: 'answer.test.ts', source: `${head}\n${body}${argument}); });` },
      );
    const typed = '/** @param {string} text @param {number} [most] */\n';
    const sources = [
      [
        'a.mjs',
        `${typed}export default function shorten(text, most) { return text.slice(0, most); }`,
      ],
      [
        'a.js',
        `${typed}function shorten(text, most) { return text.slice(0, most); }\nmodule.exports = shorten;`,
      ],
    ] as const;
    for (const [fileName, source] of sources) {
      expect(errors(fileName, source, "import shorten from './a';", '"ab", 1')).toEqual([]);
      expect(errors(fileName, source, "import shorten from './a';", '1')).toEqual([
        expect.stringContaining("'number' is not assignable to parameter of type 'string'"),
      ]);
    }
    const named = 'exports.shorten = (text, most) => text.slice(0, most);';
    expect(errors('a.cjs', named, "import { shorten } from './a';", '1, 2')).toEqual([]);
    expect(errors('a.cjs', named, "const { shorten } = require('./a');", '1')).toEqual([]);
  });

  it('names at most 20', () => {
    expect(errorsOf("double('');\n".repeat(50))).toHaveLength(20);
  });
});
