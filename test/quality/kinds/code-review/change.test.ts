import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hunksOf, showHunks, stepsOf } from '../../../../src/quality/kinds/code-review/change.ts';

const lines = (...text: string[]): string => `${text.join('\n')}\n`;
const defect = (from: number, to = from) => ({
  lines: [from, to] as [number, number],
  kind: 'kind',
  title: 'title',
  description: 'description',
  proof: 'proof',
});

describe('a change', () => {
  it('is shown with the numbers of the new version', () => {
    const hunks = hunksOf(
      lines('a', 'b', 'c', 'd', 'e', 'f'),
      lines('a', 'b', 'c', 'D', 'x', 'e', 'f'),
    );
    expect(showHunks(hunks)).toBe(
      [
        'Hunk 1 (lines 1 to 7)',
        '   1  a',
        '   2  b',
        '   3  c',
        '     -d',
        '   4 +D',
        '   5 +x',
        '   6  e',
        '   7  f',
      ].join('\n'),
    );
  });

  it('has a hunk for each place', () => {
    const before = Array.from({ length: 30 }, (_, index) => `line ${index + 1}`);
    const after = before.map((text, index) => (index === 4 || index === 24 ? `${text}!` : text));
    const hunks = hunksOf(lines(...before), lines(...after));
    expect(hunks.map((hunk) => hunk.lines)).toEqual([
      [2, 8],
      [22, 28],
    ]);
  });
});

describe('the steps to the defective version', () => {
  const right = lines('a', 'b', 'c', 'd', 'e', 'f', 'g');

  it('belong to the defects whose lines they are in', () => {
    const defective = lines('a', 'B', 'c', 'e', 'f', 'x', 'y', 'g');
    const steps = stepsOf(right, defective, [defect(2), defect(3, 4), defect(6, 7)]);
    expect(steps.strays).toEqual([]);
    expect([...steps.made]).toEqual([0, 1, 2]);
    expect(steps.apply(new Set())).toBe(right);
    expect(steps.apply(new Set([0, 1, 2]))).toBe(defective);
    expect(steps.apply(new Set([1]))).toBe(lines('a', 'b', 'c', 'e', 'f', 'g'));
  });

  it('take either line beside what is missing', () => {
    const defective = lines('a', 'b', 'd', 'e', 'f', 'g');
    for (const line of [2, 3]) {
      expect(stepsOf(right, defective, [defect(line)]).strays).toEqual([]);
    }
    expect(stepsOf(right, defective, [defect(4)]).strays).toEqual([3]);
  });

  it('are told where they belong to none', () => {
    const steps = stepsOf(right, lines('a', 'B', 'c', 'd', 'e', 'f', 'G'), [defect(2), defect(5)]);
    expect(steps.strays).toEqual([7]);
    expect([...steps.made]).toEqual([0]);
  });

  it('lead from any text to any other', () => {
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', ''), { maxLength: 12 })
      .map((all) => all.join('\n'));
    fc.assert(
      fc.property(text, text, (from, to) => {
        const steps = stepsOf(from, to, [defect(1, 99)]);
        expect(steps.apply(new Set())).toBe(from);
        expect(steps.apply(new Set([0]))).toBe(to);
      }),
    );
  });
});
