import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  nameArms,
  readNames,
} from '../../../../src/quality/kinds/coverage-analysis/branch-names.ts';

const TYPES: Record<string, number> = {
  if: 2,
  'cond-expr': 2,
  'binary-expr': 3,
  switch: 1,
  'default-arg': 1,
};

/** Arms as istanbul would tell of them. */
function armsOf(...branches: [type: string, line: number][]) {
  return branches.flatMap(([type, line], id) =>
    Array.from({ length: TYPES[type] ?? 0 }, (_, index) => ({
      key: `b${id}.${index}`,
      type,
      line,
      index,
    })),
  );
}

const namesOf = (...branches: Parameters<typeof armsOf>) => [
  ...nameArms(armsOf(...branches)).values(),
];

describe('names of branches', () => {
  it('say line and way', () => {
    expect(namesOf(['if', 3], ['binary-expr', 3], ['switch', 5], ['default-arg', 1])).toEqual([
      '3.then',
      '3.else',
      '3.op1',
      '3.op2',
      '3.op3',
      '5.case',
      '1.default',
    ]);
  });

  it('tell several of a kind in one line apart', () => {
    expect(namesOf(['if', 3], ['cond-expr', 3], ['cond-expr', 3])).toEqual([
      '3.then',
      '3.else',
      '3b.then',
      '3b.else',
      '3c.then',
      '3c.else',
    ]);
  });

  it('are unique, and read as what they are', () => {
    const branch = fc.tuple(fc.constantFrom(...Object.keys(TYPES)), fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(fc.array(branch, { maxLength: 20 }), (branches) => {
        const names = namesOf(...branches);
        expect(new Set(names).size).toBe(names.length);
        expect(names.flatMap(readNames)).toEqual(names);
        expect(readNames(names.join(' '))).toEqual(names.length > 0 ? names : ['']);
      }),
    );
  });

  it.each([
    ['12 then', '12.then'],
    ['line 12: Then', '12.then'],
    ['12.true', '12.then'],
    ['12 false', '12.else'],
    ['12b else', '12b.else'],
    ['12.op 2', '12.op2'],
    ['12.right', '12.op2'],
    ['L12-case', '12.case'],
    ['12.default', '12.default'],
    ['something', 'something'],
    [' 12 ', '12'],
    ['', ''],
  ])('are read from %j as %j', (text, name) => {
    expect(readNames(text)).toEqual([name]);
  });
});
