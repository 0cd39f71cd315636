/** An element of a parsed document. */
export interface Element {
  name: string;
  attributes: Record<string, string>;
  children: (Element | string)[];
  /** All elements of that name below this one. */
  all(name: string): Element[];
  /** All text below this one. */
  text(): string;
}

const TOKEN =
  /<!\[CDATA\[([\s\S]*?)\]\]>|<\?[\s\S]*?\?>|<\/([\w-]+)\s*>|<([\w-]+)((?:\s+[\w.-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/y;
const REFERENCE = /&(?:(lt|gt|amp|quot|apos)|#x([0-9a-f]+)|#(\d+));/gi;
const NAMED: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };
// What is left of the characters of XML 1.0 is not allowed in a document at all.
const ALLOWED = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;

/** Parses the XML that reports are written in (no doctype, no namespaces); throws where it is not well-formed. */
export function parseXml(document: string): Element {
  if (!ALLOWED.test(document)) throw new Error('a character that XML cannot hold');
  const root = element('', {});
  const open = [root];
  TOKEN.lastIndex = 0;
  while (TOKEN.lastIndex < document.length) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(document);
    if (match === null) throw new Error(`not well-formed at ${document.slice(at, at + 60)}`);
    const [, cdata, closed, opened, attributes, selfClosed, text] = match;
    const parent = open.at(-1) ?? root;
    if (cdata !== undefined) parent.children.push(cdata);
    else if (closed !== undefined) {
      if (open.pop()?.name !== closed) throw new Error(`</${closed}> closes something else`);
    } else if (opened !== undefined) {
      const child = element(opened, attributesOf(attributes ?? ''));
      parent.children.push(child);
      if (selfClosed === '') open.push(child);
    } else if (text !== undefined) {
      if (text.includes(']]>')) throw new Error('a bare ]]> in text');
      parent.children.push(decode(text));
    }
  }
  const [top, ...rest] = root.children.filter((child) => typeof child !== 'string');
  if (open.length !== 1 || top === undefined || rest.length > 0)
    throw new Error('not one root element');
  return top;
}

function element(name: string, attributes: Record<string, string>): Element {
  const children: Element['children'] = [];
  const elements = (): Element[] => children.filter((child) => typeof child !== 'string');
  return {
    name,
    attributes,
    children,
    all: (wanted) =>
      elements().flatMap((child) => [
        ...(child.name === wanted ? [child] : []),
        ...child.all(wanted),
      ]),
    text: () =>
      children.map((child) => (typeof child === 'string' ? child : child.text())).join(''),
  };
}

function attributesOf(text: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const [, name = '', value = ''] of text.matchAll(/([\w.-]+)="([^"]*)"/g)) {
    if (name in found) throw new Error(`attribute ${name} twice`);
    found[name] = decode(value);
  }
  return found;
}

function decode(text: string): string {
  if (/&/.test(text.replace(REFERENCE, ''))) throw new Error('a bare &');
  return text.replace(
    REFERENCE,
    (_, name: string | undefined, hex: string | undefined, decimal: string) =>
      name === undefined
        ? String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16))
        : (NAMED[name.toLowerCase()] ?? ''),
  );
}
