import { printable } from '../../quality/reports/format.ts';

/** Makes a text that comes in pieces safe to show on a terminal. */
export interface TerminalFilter {
  /** What can be shown of the text so far and was not shown yet. */
  push(piece: string): string;
  /** What was held back at the end of the last piece; the filter is as new. */
  end(): string;
}

type State = 'text' | 'escape' | 'control-sequence' | 'string';

const ESCAPE = '\u001B';
/** The one-character forms of ESC [ and of ESC ] and its like. */
const INTRODUCERS: Readonly<Record<string, State>> = {
  [ESCAPE]: 'escape',
  '\u009B': 'control-sequence',
  '\u0090': 'string',
  '\u0098': 'string',
  '\u009D': 'string',
  '\u009E': 'string',
  '\u009F': 'string',
};
const AFTER_ESCAPE: Readonly<Record<string, State>> = {
  '[': 'control-sequence',
  ']': 'string',
  P: 'string',
  X: 'string',
  '^': 'string',
  _: 'string',
};

/**
 * Takes out the escape sequences of ECMA-48, however the text is cut, and shows other control
 * characters and marks that reorder a line as U+FFFD. A sequence that is not closed ends where its
 * line does, so that it hides no more than that.
 */
export function createTerminalFilter(): TerminalFilter {
  let state: State = 'text';
  /** A carriage return or half a surrogate pair: what follows says how it is shown. */
  let held = '';

  /** Whether the character belongs to a sequence; `state` is what comes after it. */
  function isSwallowed(char: string): boolean {
    const introduced = INTRODUCERS[char];
    if (introduced !== undefined) {
      state = introduced;
      return true;
    }
    switch (state) {
      case 'text':
        return false;
      case 'escape':
        state = AFTER_ESCAPE[char] ?? (isWithin(char, ' ', '/') ? 'escape' : 'text');
        return isWithin(char, ' ', '~');
      case 'control-sequence':
        state = isWithin(char, ' ', '?') ? state : 'text';
        return isWithin(char, ' ', '~');
      case 'string': {
        const closes = char === '\u0007' || char === '\u009C';
        const breaksOff = char === '\n' || char === '\u0018' || char === '\u001A';
        if (closes || breaksOff) state = 'text';
        return !breaksOff;
      }
    }
  }

  return {
    push(piece) {
      let shown = held;
      for (const char of piece) if (!isSwallowed(char)) shown += char;
      held = /[\r\uD800-\uDBFF]$/.exec(shown)?.[0] ?? '';
      return printable(shown.slice(0, shown.length - held.length));
    },
    end() {
      const shown = printable(held);
      state = 'text';
      held = '';
      return shown;
    },
  };
}

function isWithin(char: string, first: string, last: string): boolean {
  return char.length === 1 && char >= first && char <= last;
}
