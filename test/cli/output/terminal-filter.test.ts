import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTerminalFilter } from '../../../src/cli/output/terminal-filter.ts';
import { printable } from '../../../src/quality/reports/format.ts';

function shownOf(...pieces: string[]): string {
  const filter = createTerminalFilter();
  return pieces.map((piece) => filter.push(piece)).join('') + filter.end();
}

/** Text in which what terminals obey is common. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom('\u001B', '[', ']', '\u009B', '\u009D', '\u0007', '\u009C', '\\', ';'),
      fc.constantFrom('\r', '\n', '\u0018', '\u202E', '0', 'm', 'K', ' ', '\uD83D', '\uDE00'),
      fc.string({ unit: 'binary', maxLength: 3 }),
    ),
    { maxLength: 40 },
  )
  .map((parts) => parts.join(''));

describe('the terminal filter', () => {
  it.each([
    ['colours', 'a\u001B[1;31mred\u001B[0m.', 'ared.'],
    ['titles', 'a\u001B]0;pwned\u0007b\u001B]2;x\u001B\\c', 'abc'],
    ['links', '\u001B]8;;http://x.test\u001B\\word\u001B]8;;\u001B\\', 'word'],
    ['device strings', 'a\u001BP1$r0m\u001B\\b', 'ab'],
    ['forms of one character', 'a\u009B2Jb\u009D0;t\u009Cc', 'abc'],
    ['character sets and resets', 'a\u001B(Bb\u001Bcd', 'abd'],
    ['a sequence inside another', 'a\u001B[3\u001B[2Jb', 'ab'],
    ['a title without an end, which hides one line', 'a\u001B]0;t\nb', 'a\nb'],
    ['a sequence that nothing follows', 'a\u001B[31', 'a'],
    ['single controls, which show', 'a\bb\u0000c', 'a\uFFFDb\uFFFDc'],
    ['a return to the line’s begin, which shows', 'rm -rf\recho', 'rm -rf\uFFFDecho'],
    ['a line’s end with a sequence inside', 'a\r\u001B[m\nb', 'a\nb'],
    ['marks that reorder', 'a\u202Eb', 'a\uFFFDb'],
  ])('takes out %s', (_, text, shown) => {
    expect(shownOf(text)).toBe(shown);
  });

  it('leaves text as it is', () => {
    const plain = 'größer → 测试 👩‍💻\n\tif (a[0] < b) {}\n';
    expect(shownOf(plain)).toBe(plain);
    expect(shownOf('one\r\ntwo')).toBe('one\ntwo');
  });

  it('shows the same however the text is cut, and nothing that a terminal obeys', () => {
    fc.assert(
      fc.property(hostile, fc.array(fc.nat(60)), (text, cuts) => {
        const at = [0, ...cuts.map((cut) => Math.min(cut, text.length)), text.length];
        at.sort((a, b) => a - b);
        const pieces = at.slice(1).map((end, index) => text.slice(at[index], end));
        const shown = shownOf(...pieces);
        expect(shown).toBe(shownOf(text));
        expect(shown).toBe(printable(shown));
      }),
      { numRuns: 5000 },
    );
  });
});
