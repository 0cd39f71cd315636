import { describe, expect, it } from 'vitest';
import {
  exportsOf,
  importLine,
  mendImports,
} from '../../../../src/quality/kinds/test-generation/imports.ts';

const TESTS = `it('holds', () => {\n  expect(new RingBuffer(2).size).toBe(0);\n});\n`;

function mended(code: string, exported = ['RingBuffer', 'clamp']): string | undefined {
  return mendImports(code, 'ring-buffer', exported);
}

describe('what a module exports', () => {
  it('is its values, types left out', () => {
    const source = `
      export interface Options { size: number }
      export type Name = string;
      export const LIMIT = 3, LOWEST = -1;
      export function clamp(value: number): number;
      export function clamp(value: number): number { return value; }
      export class RingBuffer {}
      class Inner {}
      function late() {}
      export { late as later, type Inner };
      export type { Inner as Other };`;
    expect(exportsOf(source)).toEqual({
      names: ['LIMIT', 'LOWEST', 'clamp', 'RingBuffer', 'later'],
    });
  });

  it('may be a default, with a name or without one', () => {
    expect(exportsOf('export default function clamp() {}')).toEqual({
      names: [],
      default: 'clamp',
    });
    expect(exportsOf('export default 3;')).toEqual({ names: [], default: true });
  });

  it.each([
    ['export function a() {}\nexport const b = 1;', "import { a, b } from './x';"],
    ['export default class A {}\nexport const b = 1;', "import A, { b } from './x';"],
    ['export default () => 1;', "import subject from './x';"],
    ['const a = 1;', "import * as subject from './x';"],
  ])('is imported whole by one line: %s', (source, line) => {
    expect(importLine(source, 'x')).toBe(line);
  });
});

describe('an answer that misses the imports of the module', () => {
  it('is left alone where nothing is missing', () => {
    expect(mended(`import { RingBuffer } from './ring-buffer';\n${TESTS}`)).toBeUndefined();
    expect(mended(`import { RingBuffer } from '../src/ring-buffer.js';\n${TESTS}`)).toBeUndefined();
    expect(mended(`import * as all from './ring-buffer';\nall.clamp(1);`)).toBeUndefined();
    expect(
      mended(`const { RingBuffer } = await import('./ring-buffer');\n${TESTS}`),
    ).toBeUndefined();
    expect(mended(`import { clamp as limit } from './ring-buffer';\nlimit(1);`)).toBeUndefined();
    expect(mended('')).toBeUndefined();
  });

  it('gets the names that it uses', () => {
    expect(mended(TESTS)).toBe(`import { RingBuffer } from './ring-buffer';\n${TESTS.trimEnd()}`);
    expect(mended(`import { RingBuffer } from './ring-buffer';\n${TESTS}clamp(1);`)).toBe(
      `import { clamp } from './ring-buffer';\nimport { RingBuffer } from './ring-buffer';\n${TESTS}clamp(1);`,
    );
  });

  it.each([
    `import { RingBuffer } from './RingBuffer';`,
    `import RingBuffer from './ring-buffer';`,
    `import { RingBuffer } from 'ring-buffer';`,
  ])('has a broken import replaced: %s', (line) => {
    expect(mended(`import { it } from 'vitest';\n${line}\n${TESTS}`)).toBe(
      `import { RingBuffer } from './ring-buffer';\nimport { it } from 'vitest';\n${TESTS.trimEnd()}`,
    );
  });

  it('keeps its own declarations of those names', () => {
    expect(mended(`class RingBuffer {}\n${TESTS}`)).toBeUndefined();
    expect(mended(`const clamp = (n) => n;\nclamp(1);`)).toBeUndefined();
    expect(mended(`it('x', ({ clamp }) => clamp(1));`)).toBeUndefined();
  });

  it('takes no property, key or type for a use', () => {
    expect(mended(`Math.clamp; ({ clamp: 1 }); let a: RingBuffer;`)).toBeUndefined();
  });
});

describe('what CommonJS exports', () => {
  it.each([
    ['module.exports = shorten; function shorten() {}', { names: [], default: 'shorten' }],
    ['module.exports = function shorten() {};', { names: [], default: 'shorten' }],
    ['module.exports = () => 1;', { names: [], default: true }],
    ['module.exports = { a, b: 1, c() {} };', { names: ['a', 'b', 'c'] }],
    ['exports.a = 1; exports.b = exports.c = () => 2; exports.a = 3;', { names: ['a', 'b', 'c'] }],
    ['module.exports = main; module.exports.limit = 3;', { names: ['limit'], default: 'main' }],
    ['exports = module.exports = class Stack {};', { names: [], default: 'Stack' }],
    ['other.exports = 1; module.other = 2; exports["a"] = 3; f();', { names: [] }],
  ])('%s', (source, exported) => {
    expect(exportsOf(source)).toEqual(exported);
  });

  it('is nothing beside an import or export of a module', () => {
    expect(exportsOf("import a from 'a'; module.exports = a;")).toEqual({ names: [] });
  });
});
