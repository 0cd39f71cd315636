import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import type { Host } from './main.ts';

/** What somebody types, or a file holds, line by line. */
export interface Lines {
  /** Whether somebody types. */
  readonly isTyped: boolean;
  /** The next line; `undefined` at the end. The prompt is shown only to somebody who types. */
  next(prompt: string): Promise<string | undefined>;
  /** Shows a line while somebody is asked for one. */
  say(text: string): void;
  close(): void;
}

/**
 * Reads standard input. What is typed between two calls of `next` is not drawn into what is shown
 * there; it stands behind the next prompt.
 * @param onInterrupt told of Ctrl-C on a terminal, and whether it threw a typed line away
 */
export function readLines({ stdin, stderr }: Host, onInterrupt: (hadLine: boolean) => void): Lines {
  const isTyped = stdin.isTTY && stderr.isTTY;
  let isAsked = false;
  const screen = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (isAsked) stderr.write(chunk);
      done();
    },
  });
  const output = Object.assign(screen, { columns: stderr.columns });
  const reader = createInterface({ input: stdin, output, terminal: isTyped, historySize: 500 });
  const resize = (): void => {
    output.columns = stderr.columns;
    screen.emit('resize');
  };
  if (isTyped) stderr.on('resize', resize);
  const waiting: string[] = [];
  let isOver = false;
  let wake = (): void => {};

  reader.on('line', (line) => {
    waiting.push(line);
    wake();
  });
  reader.on('close', () => {
    isOver = true;
    wake();
  });
  reader.on('SIGINT', () => {
    const hadLine = isAsked && reader.line !== '';
    if (hadLine) {
      reader.write(null, { ctrl: true, name: 'e' });
      reader.write(null, { ctrl: true, name: 'u' });
    }
    onInterrupt(hadLine);
  });

  return {
    isTyped,
    async next(prompt) {
      // What was typed ahead was not drawn yet.
      if (isTyped && waiting[0] !== undefined) stderr.write(`${prompt}${waiting[0]}\n`);
      if (waiting.length === 0 && !isOver) {
        const woken = new Promise<void>((resolve) => {
          wake = resolve;
        });
        if (isTyped) {
          isAsked = true;
          reader.setPrompt(prompt);
          reader.prompt(true);
        }
        await woken;
        isAsked = false;
        if (isTyped && waiting.length === 0) stderr.write('\n');
      }
      return waiting.shift();
    },
    say(text) {
      stderr.write(`\n${text}\n`);
      reader.prompt();
    },
    close() {
      stderr.off('resize', resize);
      reader.close();
    },
  };
}

/**
 * A message of one line or more: a backslash at a line's end goes on with the next line, and a
 * fence of three backticks with all lines up to the closing one.
 */
export async function readMessage(lines: Lines, prompt: string): Promise<string | undefined> {
  const message: string[] = [];
  let isFenced = false;
  while (true) {
    const line = await lines.next(message.length === 0 ? prompt : '… ');
    if (line === undefined) return message.length === 0 ? undefined : message.join('\n');
    if (line.startsWith('```')) isFenced = !isFenced;
    const goesOn = !isFenced && line.endsWith('\\');
    message.push(goesOn ? line.slice(0, -1) : line);
    if (!isFenced && !goesOn) return message.join('\n');
  }
}
