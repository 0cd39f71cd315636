import { createTerminalFilter } from './terminal-filter.ts';

/** A text of others that is written as it comes. */
export interface TextStream {
  write(piece: string): void;
  /** Ends the last line, where anything was written since it began. */
  end(): void;
}

interface TextStreamOptions {
  /** Whether what drives a terminal is taken out. */
  safe: boolean;
  dim: boolean;
}

const DIM = ['\u001B[2m', '\u001B[22m'] as const;

export function createTextStream(
  write: (text: string) => void,
  { safe, dim }: TextStreamOptions,
): TextStream {
  const filter = createTerminalFilter();
  let isMidLine = false;

  function show(text: string): void {
    if (text === '') return;
    isMidLine = !text.endsWith('\n');
    write(dim ? DIM.join(text) : text);
  }

  return {
    write: (piece) => show(safe ? filter.push(piece) : piece),
    end() {
      show(filter.end());
      if (isMidLine) write('\n');
      isMidLine = false;
    },
  };
}
