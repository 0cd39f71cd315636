import { describe, expect, it } from 'vitest';
import {
  exportedBy,
  proposalFile,
} from '../../../../src/quality/kinds/coverage-analysis/proposal.ts';
import {
  testBlocks,
  withoutTests,
} from '../../../../src/quality/kinds/coverage-analysis/test-file.ts';

const FILE = `import { describe, expect, it, vi } from 'vitest';
import { add, div, type Kind } from './math';

const ONE = 1;
/** Only for one of them. */
function spy() {
  return vi.fn();
}
const kind = (): Kind => 'a';

describe('add', () => {
  it('adds', () => {
    expect(add(ONE, 2)).toBe(3);
  });

  // with a comment
  it.each([[1, 2], [3, 4]])('takes %s', (a, b) => {
    expect(add(a, b)).toBe(a + b);
  });
});

describe('div', () => {
  describe('by zero', () => {
    it('throws', () => {
      expect(() => div(ONE, 0)).toThrow();
      spy();
    });
  });
});

test('kinds', () => expect(kind()).toBe('a'));
`;

describe('the tests of a file', () => {
  it('are named with their suites, and stand for themselves', () => {
    expect(testBlocks(FILE).map(({ name }) => name)).toEqual([
      'add > adds',
      'add > takes %s',
      'div > by zero > throws',
      'kinds',
    ]);
    expect(testBlocks(FILE)[2]?.code).toBe(
      "it('throws', () => {\n  expect(() => div(ONE, 0)).toThrow();\n  spy();\n});",
    );
  });

  it('can be left out, with all that nothing speaks of then', () => {
    const rest = withoutTests(FILE, new Set(['add > adds', 'div > by zero > throws', 'kinds']));
    expect(rest).toBe(`import { describe, expect, it } from 'vitest';
import { add } from './math';

describe('add', () => {
  // with a comment
  it.each([[1, 2], [3, 4]])('takes %s', (a, b) => {
    expect(add(a, b)).toBe(a + b);
  });
});
`);
  });

  it('all stay if none is left out', () => {
    expect(withoutTests(FILE, new Set())).toBe(FILE);
  });
});

describe('a proposed test', () => {
  const around = { remaining: FILE, subject: 'math.ts', exported: ['add', 'div', 'ONE'] };
  const file = (code: string) => proposalFile(code, around) ?? 'not parsed';

  it('finds the imports and helpers of the file, and no test of it', () => {
    const text = file("it('x', () => { spy(); });");
    expect(text).toContain("import { add, div } from './math';");
    expect(text).toContain('function spy()');
    expect(testBlocks(text).map(({ name }) => name)).toEqual(['x']);
  });

  it('may bring its own', () => {
    const text = file(`
      import { it } from 'vitest';
      import { add } from './math.js';
      import fs from 'node:fs';
      const ONE = 7;
      it('x', () => { add(ONE, 1); });`);
    expect(text.match(/const ONE/g)).toHaveLength(1);
    expect(text.match(/from '\.\/math/g)).toHaveLength(1);
    expect(text).toContain("import fs from 'node:fs';");
  });

  it('may be bare statements', () => {
    expect(testBlocks(file('div(1, 0);')).map(({ name }) => name)).toEqual(['the proposal']);
  });

  it('must parse', () => {
    expect(proposalFile("it('x', () => {", around)).toBeUndefined();
  });
});

it('knows the values that a module exports', () => {
  const source = `
    export const a = 1, b = 2;
    export function c() {}
    export class D {}
    export type E = string;
    export interface F {}
    const g = 1, h = 2;
    export { g, h as i };
    export type { E as J };`;
  expect(exportedBy(source)).toEqual(['a', 'b', 'c', 'D', 'g', 'i']);
});
