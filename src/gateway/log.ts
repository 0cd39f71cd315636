/** One request, as it is logged: never a prompt, an answer, a key, or what a client calls a session. */
export interface LogEntry {
  /** When it ended, as ISO 8601. */
  at: string;
  /** Of the HTTP request: the client's own where it sent one. */
  id: string;
  method: string;
  /** The route's pattern. */
  route: string;
  status: number;
  ms: number;
  dialect: string;
  stream?: boolean;
  /** Under which `route explain` finds the decision. */
  requestId?: string;
  tier?: string;
  target?: string;
  policy?: string;
  inputTokens?: number | undefined;
  outputTokens?: number | undefined;
  /** Code of the error that the client was told, also within a stream that began with 200. */
  error?: string;
  /** The client went before the end. */
  left?: true;
}

export interface Log {
  /** A line of JSON. */
  write(this: void, entry: object): void;
  flush(): void;
}

/** Bytes, or rather UTF-16 units, after which lines are not held back any longer. */
const FULL = 64 * 1024;
const FLUSH_MS = 200;

/** Gathers lines, so that a busy gateway does not wait for its log. @param output takes whole lines */
export function createLog(output: (lines: string) => void): Log {
  let lines = '';
  let timer: NodeJS.Timeout | undefined;
  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (lines === '') return;
    const written = lines;
    lines = '';
    output(written);
  }
  return {
    write(entry) {
      lines += `${JSON.stringify(entry)}\n`;
      if (lines.length >= FULL) flush();
      else timer ??= setTimeout(flush, FLUSH_MS).unref();
    },
    flush,
  };
}
