import { printable } from '../format.ts';

const WRITTEN: unique symbol = Symbol('written by us');

/** HTML that this project wrote; whatever else goes into a page is escaped. */
export interface Markup {
  readonly [WRITTEN]: string;
}

/** What may stand in a template: markup as it is, text escaped, lists one after the other. */
export type Insertion = Markup | string | number | readonly Insertion[];

/**
 * HTML from a template. Every text in it is escaped; unsafe text has no other way into a page.
 * Line breaks of the template itself, which are there for its reader, become one space.
 */
export function html(strings: TemplateStringsArray, ...values: readonly Insertion[]): Markup {
  const parts = strings.map((part) => part.replace(/\s*\n\s*/g, ' '));
  return written(
    parts.reduce((page, part, index) => page + insert(values[index - 1] ?? '') + part),
  );
}

/** HTML, CSS or script of our own that must not be escaped. Never call it on a text from outside. */
export function written(text: string): Markup {
  return { [WRITTEN]: text };
}

/** The HTML of a markup. */
export function render(markup: Markup): string {
  return markup[WRITTEN];
}

export const NOTHING: Markup = written('');

function insert(value: Insertion): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return escape(value);
  return isMarkup(value) ? value[WRITTEN] : value.map(insert).join('');
}

function isMarkup(value: Markup | readonly Insertion[]): value is Markup {
  return WRITTEN in value;
}

const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return printable(text).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}

/** As many items, from the first on, as fit into `maxBytes` of HTML, and how many were left out. */
export function within<Item>(
  items: readonly Item[],
  maxBytes: number,
  show: (item: Item, index: number) => Markup,
): { shown: Markup[]; omitted: number } {
  const shown: Markup[] = [];
  let left = maxBytes;
  for (const [index, item] of items.entries()) {
    const markup = show(item, index);
    left -= Buffer.byteLength(render(markup));
    if (left < 0) return { shown, omitted: items.length - index };
    shown.push(markup);
  }
  return { shown, omitted: 0 };
}
