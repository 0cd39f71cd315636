import { Chalk, type ChalkInstance } from 'chalk';
import { oneLine, printable } from '../../quality/reports/format.ts';
import { wrap } from './layout.ts';

/** What is drawn on. */
export interface Canvas {
  width: number;
  color: boolean;
}

/** Columns of a label, and what stands before it. */
const LABEL = 12;
const INDENT = 2;

/** Builds the lines of a drawing that fits its canvas. Text from elsewhere is made safe to show. */
export class Drawing {
  readonly paint: ChalkInstance;
  readonly width: number;
  readonly #lines: string[] = [];

  constructor({ width, color }: Canvas) {
    this.paint = new Chalk({ level: color ? 1 : 0 });
    this.width = width;
  }

  /** Begins a section. */
  title(text: string): void {
    if (this.#lines.length > 0) this.#lines.push('');
    for (const line of wrap(oneLine(text), this.width)) this.#lines.push(this.paint.bold(line));
  }

  /** A fact of a section; nothing where there is no text. */
  field(label: string, text: string): void {
    if (text !== '') this.item(label.padEnd(LABEL), this.paint.dim, text);
  }

  /** Text with something before its first line, which is as wide as it is drawn. */
  item(lead: string, paintLead: (text: string) => string, text: string): void {
    const indent = INDENT + lead.length;
    const [first = '', ...more] = wrap(oneLine(text), this.width - indent);
    this.#lines.push(`${' '.repeat(INDENT)}${paintLead(lead)}${first}`.trimEnd());
    for (const line of more) this.#lines.push(`${' '.repeat(indent)}${line}`);
  }

  /** Text of several lines as it stands, at most so many of them. */
  block(text: string, most: number): void {
    const lines = printable(text)
      .split('\n')
      .flatMap((line) => cut(line, this.width - INDENT));
    for (const line of lines.slice(0, most)) {
      this.#lines.push(`${' '.repeat(INDENT)}${line}`.trimEnd());
    }
    if (lines.length > most) {
      this.#lines.push(this.paint.dim(`${' '.repeat(INDENT)}… ${lines.length - most} more`));
    }
  }

  /** Ends with a newline. */
  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}

/** A line in pieces that fit; indentation and blanks stay as they are. */
function cut(line: string, width: number): string[] {
  const size = Math.max(10, width);
  const count = Math.max(1, Math.ceil(line.length / size));
  return Array.from({ length: count }, (_, index) => line.slice(index * size, (index + 1) * size));
}
