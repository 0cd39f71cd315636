import { Chalk, type ChalkInstance } from 'chalk';
import { oneLine } from '../../quality/reports/format.ts';
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

  /** Ends with a newline. */
  toString(): string {
    return `${this.#lines.join('\n')}\n`;
  }
}
