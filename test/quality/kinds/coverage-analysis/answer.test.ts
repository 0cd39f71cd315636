import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseGaps } from '../../../../src/quality/kinds/coverage-analysis/answer.ts';

const FULL = {
  lines: ['10-12', 20],
  branches: ['10.then', '20.op2'],
  test: { branch: '10.then', code: "it('a', () => {});" },
};
const read = (answer: unknown) => parseGaps(JSON.stringify(answer));

describe('the gaps of an answer', () => {
  it('are read as they were asked for', () => {
    expect(parseGaps(`\`\`\`json\n${JSON.stringify(FULL, null, 2)}\n\`\`\`\n`)).toEqual({
      json: 'valid',
      isWellFormed: true,
      lines: [
        [10, 12],
        [20, 20],
      ],
      branches: ['10.then', '20.op2'],
      proposal: FULL.test,
    });
  });

  it.each([
    [
      [1, '2', 'line 3'],
      [
        [1, 1],
        [2, 2],
        [3, 3],
      ],
    ],
    [
      ['1-3', '5–6', '8..9', '11 to 12'],
      [
        [1, 3],
        [5, 6],
        [8, 9],
        [11, 12],
      ],
    ],
    [
      '1-3, 7',
      [
        [1, 3],
        [7, 7],
      ],
    ],
    [
      [[1, 3], [5]],
      [
        [1, 3],
        [5, 5],
      ],
    ],
    [5, [[5, 5]]],
    [[1.5, null, {}, 'none'], []],
    [null, []],
  ])('have the lines %j', (lines, expected) => {
    expect(read({ ...FULL, lines }).lines).toEqual(expected);
  });

  it.each([
    [
      ['12 then', '12.then', 'line 12 false'],
      ['12.then', '12.else'],
    ],
    [
      [
        { line: 12, way: 'then' },
        { line: 13, branch: 'op2' },
      ],
      ['12.then', '13.op2'],
    ],
    ['12.then, 13.else', ['12.then', '13.else']],
    [['12.then 12.op2 13.else'], ['12.then', '12.op2', '13.else']],
    [['?'], ['?']],
    [[{}, null, 5], []],
    [{}, []],
  ])('have the branches %j', (branches, expected) => {
    expect(read({ ...FULL, branches }).branches).toEqual(expected);
  });

  it('are well-formed only in the form that was asked for', () => {
    expect(read(FULL).isWellFormed).toBe(true);
    expect(read({ ...FULL, note: 'more' }).isWellFormed).toBe(true);
    for (const broken of [
      { ...FULL, lines: '10-12' },
      { ...FULL, branches: [{ line: 10 }] },
      { ...FULL, test: 'it()' },
      { ...FULL, test: { branch: '10.then', code: '' } },
      { lines: [], branches: [] },
    ]) {
      expect(read(broken)).toMatchObject({ json: 'valid', isWellFormed: false });
    }
  });

  it('are salvaged from an answer that is cut off', () => {
    const text = JSON.stringify(FULL);
    const cut = parseGaps(text.slice(0, text.indexOf('"code"')));
    expect(cut).toMatchObject({
      json: 'salvaged',
      isWellFormed: false,
      branches: ['10.then', '20.op2'],
    });
    expect(cut.proposal).toBeUndefined();
    expect(parseGaps('{"lines": [3, "5-7", 1').lines).toEqual([
      [3, 3],
      [5, 7],
    ]);
  });

  it('are none in an answer without any', () => {
    for (const answer of ['', 'All is covered.', '[1, 2]', '{"a": 1}', '{}']) {
      expect(parseGaps(answer)).toMatchObject({ json: 'none', lines: [], branches: [] });
    }
  });

  it('can be anything', () => {
    const answers = fc.record({
      lines: fc.jsonValue(),
      branches: fc.jsonValue(),
      test: fc.jsonValue(),
    });
    fc.assert(
      fc.property(answers, (answer) => {
        const { lines, branches } = read(answer);
        expect(lines.flat().every((line) => Number.isInteger(line))).toBe(true);
        expect(branches.every((name) => typeof name === 'string')).toBe(true);
      }),
    );
  });
});
