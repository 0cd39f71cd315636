import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { endsInLoop } from '../../src/quality/repetition.ts';

const START = "import { it } from 'vitest';\n\nit('starts', () => {\n  expect(1).toBe(1);\n});\n";

describe('endsInLoop', () => {
  it('sees one long line again and again', () => {
    const line = "  expect(parse('1 KiB')).toBe(1024);\n";
    expect(endsInLoop(START + line.repeat(5))).toBe(false);
    expect(endsInLoop(START + line.repeat(8))).toBe(true);
  });

  it('sees a block again and again, even in the middle of its next round', () => {
    const block = `it('merges', () => {\n  expect(merge([[1, 3], [2, 4]])).toEqual([[1, 4]]);\n});\n\n`;
    expect(endsInLoop(START + block.repeat(3))).toBe(false);
    expect(endsInLoop(START + block.repeat(4) + block.slice(0, 30))).toBe(true);
  });

  it('sees one character without end', () => {
    expect(endsInLoop('a'.repeat(1000))).toBe(true);
    expect(endsInLoop('\n'.repeat(1000))).toBe(true);
  });

  it('leaves tables of similar cases alone', () => {
    const table = Array.from({ length: 60 }, (_, n) => `  [${n}, '${n * 2} B'],\n`).join('');
    expect(endsInLoop(START + table)).toBe(false);
    expect(endsInLoop('')).toBe(false);
  });

  it('agrees with the plain definition', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1, maxLength: 90 }),
        fc.nat(12),
        fc.string({ maxLength: 40 }),
        (block, times, head) => {
          const text = head + block.repeat(times);
          let loops = false;
          for (let period = 1; period <= 600 && !loops; period++) {
            const least = Math.max(240, period * 4);
            const end = text.slice(-least);
            loops = end.length === least && end.slice(period) === end.slice(0, -period);
          }
          expect(endsInLoop(text)).toBe(loops);
        },
      ),
      { numRuns: 300 },
    );
  });
});
