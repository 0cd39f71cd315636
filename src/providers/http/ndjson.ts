import { createLineSplitter } from './line-splitter.ts';

export interface NdjsonParser {
  /** The lines that `chunk` completes, empty ones left out. */
  push(chunk: Uint8Array): string[];
  /** The last line where no line end follows it; it may be cut off. */
  end(): string[];
}

/** Newline-delimited JSON from bytes in any chunking; the lines are not parsed here. */
export function createNdjsonParser(): NdjsonParser {
  const splitter = createLineSplitter({ loneCr: false });
  const filled = (line: string): boolean => line.trim() !== '';
  return {
    push: (chunk) => splitter.push(chunk).filter(filled),
    end: () => [splitter.end()].filter(filled),
  };
}
