import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assign, pointsAt } from '../../../../src/quality/kinds/code-review/matching.ts';

describe('a finding', () => {
  const at = (line?: number, explanation = 'it is wrong') => ({
    title: '',
    explanation,
    ...(line === undefined ? {} : { line }),
  });

  it('points at a defect from two lines off at most', () => {
    const hits = [7, 8, 9, 10, 11, 12, 13].filter((line) =>
      pointsAt(at(line), { lines: [10, 10] }, [1, 99]),
    );
    expect(hits).toEqual([8, 9, 10, 11, 12]);
    expect(pointsAt(at(14), { lines: [10, 12] }, [1, 99])).toBe(true);
  });

  it('does not from another hunk', () => {
    expect(pointsAt(at(8), { lines: [10, 10] }, [9, 20])).toBe(false);
    expect(pointsAt(at(12), { lines: [10, 10] }, [5, 11])).toBe(false);
  });

  it('does not without a line or an explanation', () => {
    expect(pointsAt(at(), { lines: [10, 10] }, [1, 99])).toBe(false);
    expect(pointsAt(at(10, ''), { lines: [10, 10] }, [1, 99])).toBe(false);
  });
});

/** The size of the largest assignment, by trying everything. */
function largest(choices: readonly (readonly number[])[], used: readonly number[] = []): number {
  const [first, ...others] = choices;
  if (first === undefined) return 0;
  const without = largest(others, used);
  const withOne = first
    .filter((column) => !used.includes(column))
    .map((column) => 1 + largest(others, [...used, column]));
  return Math.max(without, ...withOne);
}

describe('an assignment', () => {
  it('moves one row to make room for another', () => {
    expect(assign([[0, 1], [0]])).toEqual([1, 0]);
    expect(assign([[0], [0], []])).toEqual([0, undefined, undefined]);
  });

  it('is one to one, allowed, and as large as can be', () => {
    const choices = fc.array(fc.uniqueArray(fc.nat(4), { maxLength: 4 }), { maxLength: 6 });
    fc.assert(
      fc.property(choices, (rows) => {
        const columns = assign(rows);
        const given = columns.filter((column) => column !== undefined);
        expect(columns).toHaveLength(rows.length);
        expect(new Set(given).size).toBe(given.length);
        for (const [row, column] of columns.entries()) {
          if (column !== undefined) expect(rows[row]).toContain(column);
        }
        expect(given).toHaveLength(largest(rows));
      }),
    );
  });
});
