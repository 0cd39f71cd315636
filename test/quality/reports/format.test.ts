import { describe, expect, it } from 'vitest';
import {
  clip,
  formatDifference,
  formatMean,
  formatMs,
  formatPercent,
  formatPoints,
  formatRate,
  formatRatio,
  formatScore,
  formatTally,
  oneLine,
  printable,
} from '../../../src/quality/reports/format.ts';

describe('formats', () => {
  it('prints a dash for every value that is missing, never 0', () => {
    const formats = [
      formatMean,
      formatMs,
      formatPercent,
      formatPoints,
      formatRate,
      formatRatio,
      formatScore,
    ];
    for (const format of formats) {
      for (const missing of [null, undefined, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(format(missing)).toBe('–');
      }
    }
    expect(formatTally(null)).toBe('–');
    expect(formatDifference(null, 3)).toBe('–');
  });

  it.each([
    [0, '0 ms'],
    [840.4, '840 ms'],
    [999.7, '1.0 s'],
    [12_340, '12.3 s'],
    [59_949, '59.9 s'],
    [59_951, '1 min 00 s'],
    [125_400, '2 min 05 s'],
  ])('%d ms is %s', (milliseconds, text) => {
    expect(formatMs(milliseconds)).toBe(text);
  });

  it('never rounds a ratio up onto a threshold', () => {
    expect(formatRatio(0.89996)).toBe('0.899');
    expect(formatRatio(0.8502)).toBe('0.850');
    expect(formatRatio(0.9)).toBe('0.900');
    expect(formatRatio(0.5868)).toBe('0.587');
  });

  it('takes differences of the scores as they are shown', () => {
    expect(formatDifference(9.25, 9.9)).toBe('−0.6');
    expect(formatDifference(9.9, 9.1)).toBe('+0.8');
    expect(formatDifference(5.01, 5.04)).toBe('0.0');
  });

  it('shows points without needless decimals', () => {
    expect([40, 23.333, 9.5, 0].map(formatPoints)).toEqual(['40', '23.3', '9.5', '0']);
  });

  it('takes out what drives terminals, breaks XML or reorders a line', () => {
    expect(printable('a\u001B[31mb\u0000\u202Ec\uD800d\r\ne\tf')).toBe(
      'a\uFFFD[31mb\uFFFD\uFFFDc\uFFFDd\ne\tf',
    );
    expect(printable('é 😀')).toBe('é 😀');
    expect(oneLine(' a\n\n b\t')).toBe('a b');
  });

  it('clips between characters', () => {
    expect(clip('abcdef', 4)).toBe('abc…');
    expect(clip('ab😀cd', 4)).toBe('ab…');
    expect(clip('abcd', 4)).toBe('abcd');
  });
});
