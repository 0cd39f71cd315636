import { describe, expect, it } from 'vitest';
import { checkedRegions, type Region } from '../../../src/quality/execution/region.ts';

/** `1:2-3:4` as a region. */
function at(text: string): Region {
  const [line = 0, column = 0, endLine = 0, endColumn = 0] = (text.match(/\d+/g) ?? []).map(Number);
  return { start: { line, column }, end: { line: endLine, column: endColumn } };
}

/** Those of the regions that are checked, given mutants by their places. */
function checked(regions: string[], mutants: Record<string, boolean>): string[] {
  const named = new Map(regions.map((region) => [region, at(region)]));
  const killed = Object.entries(mutants).map(([place, isKilled]): [string, boolean] => [
    `${place} EqualityOperator a <= 12`,
    isKilled,
  ]);
  return [...checkedRegions(named, new Map(killed))];
}

describe('a region is checked', () => {
  it('where one of the mutants in it is killed', () => {
    expect(checked(['2:0-2:30'], { '2:4-2:9': false, '2:12-2:15': true })).toHaveLength(1);
    expect(checked(['2:0-2:30'], { '2:4-2:9': false, '2:12-2:15': false })).toEqual([]);
    expect(checked(['2:4-2:9'], { '2:4-2:9': true })).toHaveLength(1);
  });

  it('whatever becomes of mutants beside and around it, if it has some of its own', () => {
    const beside = { '2:4-2:9': false, '1:0-5:1': true, '3:0-3:4': true, '2:8-2:31': true };
    expect(checked(['2:0-2:30'], beside)).toEqual([]);
  });

  it('where it has none and the closest around it is killed', () => {
    expect(checked(['3:0-3:9'], { '1:0-9:1': false, '2:0-5:1': true })).toHaveLength(1);
    expect(checked(['3:0-3:9'], { '1:0-9:1': true, '2:0-5:1': false })).toEqual([]);
    expect(checked(['3:0-3:9'], { '2:0-5:1': false, '6:0-6:1': true })).toEqual([]);
  });

  it('where no mutant is near', () => {
    expect(checked(['3:0-3:9', '4:0-4:2'], { '4:0-4:2': false })).toEqual(['3:0-3:9']);
  });

  it('each for itself, across lines and by columns', () => {
    const regions = ['1:10-3:2', '1:10-1:20', '3:0-3:2'];
    expect(checked(regions, { '2:50-2:60': true, '1:12-1:14': false, '3:0-3:2': false })).toEqual([
      '1:10-3:2',
    ]);
  });
});
