import { ProviderFailure } from '../failure.ts';

/** No server writes a line this long (UTF-16 units); one that never ends would fill the memory. */
const MAX_LINE = 8 * 1024 * 1024;

/** Cuts bytes, however they were chunked, into lines of text. */
export interface LineSplitter {
  /** The lines that `chunk` completes, without their ends. Throws failure class `malformed` for an endless line. */
  push(chunk: Uint8Array): string[];
  /** What came after the last line end; empty when nothing did. */
  end(): string;
}

/** Lines end with LF or CRLF; a lone CR is one too where `loneCr` says so, as the SSE grammar does. */
export function createLineSplitter({ loneCr }: { loneCr: boolean }): LineSplitter {
  const decoder = new TextDecoder();
  const lineEnd = loneCr ? /\r\n|\n|\r/g : /\r?\n/g;
  let rest = '';

  function take(text: string): string[] {
    // A line that comes in many pieces is looked through once, not once a piece.
    if (!/[\r\n]/.test(text) && !rest.endsWith('\r')) {
      rest += text;
      if (rest.length > MAX_LINE) throw lineTooLong();
      return [];
    }
    const whole = rest + text;
    const lines: string[] = [];
    let start = 0;
    for (const match of whole.matchAll(lineEnd)) {
      // A CR at the end may be the first half of a CRLF whose LF is still to come.
      if (match[0] === '\r' && match.index === whole.length - 1) break;
      lines.push(whole.slice(start, match.index));
      start = match.index + match[0].length;
    }
    rest = whole.slice(start);
    if (rest.length > MAX_LINE) throw lineTooLong();
    return lines;
  }

  return {
    push: (chunk) => take(decoder.decode(chunk, { stream: true })),
    end() {
      const last = rest + decoder.decode();
      rest = '';
      return last;
    },
  };
}

function lineTooLong(): ProviderFailure {
  return new ProviderFailure('malformed', 'The server sent a line without an end.');
}
