import { createLineSplitter } from './line-splitter.ts';

export interface SseEvent {
  /** `message` where the server names none. */
  event: string;
  data: string;
}

export interface SseParser {
  /** The events that `chunk` completes. */
  push(chunk: Uint8Array): SseEvent[];
  /** The last event, if all of its lines came and only the empty line after it is missing. */
  end(): SseEvent[];
}

/**
 * Server-sent events (WHATWG HTML, 9.2.6) from bytes in any chunking. Ids and reconnection times
 * are read over: an answer is never resumed.
 */
export function createSseParser(): SseParser {
  const splitter = createLineSplitter({ loneCr: true });
  let event = '';
  let data: string[] = [];

  function flush(): SseEvent[] {
    const complete =
      data.length === 0 ? [] : [{ event: event || 'message', data: data.join('\n') }];
    event = '';
    data = [];
    return complete;
  }

  function take(line: string): SseEvent[] {
    if (line === '') return flush();
    const colon = line.indexOf(':');
    const field = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? '' : line.slice(colon + 1).replace(/^ /, '');
    if (field === 'data') data.push(value);
    if (field === 'event') event = value;
    return [];
  }

  return {
    push: (chunk) => splitter.push(chunk).flatMap(take),
    end() {
      const last = splitter.end();
      // A CR that might have been half of a CRLF ended its line after all.
      if (last.endsWith('\r')) return [...take(last.slice(0, -1)), ...flush()];
      return last === '' ? flush() : [];
    },
  };
}
