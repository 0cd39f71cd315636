import { codeBlocks } from './extraction.ts';

/** JSON found in a model's answer. */
export type FoundJson<T> =
  /** It is JSON as it stands, with or without a fence and prose around it. */
  | { state: 'valid'; value: T }
  /** It is not, and what is whole of it was kept. */
  | { state: 'salvaged'; value: T }
  | { state: 'none' };

/** More than any answer in JSON that is asked for needs; what follows is not read. */
const MOST_CHARACTERS = 256 * 1024;
/** Places in one text at which JSON is looked for. */
const MOST_STARTS = 100;
const DEEPEST = 64;

/**
 * Finds the first JSON value of a certain shape in an answer: in its fences first, then anywhere in
 * the text. Text that comes close is read as well, as `salvaged`: a value that the answer's end cuts
 * off keeps what is whole of it, and stray commas, line breaks and quotes in strings are forgiven.
 * @param shape the value wanted, or `undefined` for one that is none
 */
export function findJson<T>(
  answer: string,
  shape: (value: unknown) => T | undefined,
): FoundJson<T> {
  const text = answer.slice(0, MOST_CHARACTERS);
  let salvaged: T | undefined;
  for (const source of [...codeBlocks(text), text]) {
    for (const { value, isExact } of valuesIn(source)) {
      const shaped = shape(value);
      if (shaped === undefined) continue;
      if (isExact) return { state: 'valid', value: shaped };
      salvaged ??= shaped;
    }
  }
  return salvaged === undefined ? { state: 'none' } : { state: 'salvaged', value: salvaged };
}

interface Found {
  value: unknown;
  /** Nothing had to be forgiven. */
  isExact: boolean;
}

/** The objects and lists of a text: whole ones from left to right, and then those inside of them. */
function* valuesIn(text: string): Generator<Found> {
  const starts = [...text.matchAll(/[[{]/g)].slice(0, MOST_STARTS).map(({ index }) => index);
  const inner: number[] = [];
  let end = 0;
  for (const start of starts) {
    if (start < end) {
      inner.push(start);
      continue;
    }
    const first = new Reader(text, start).read();
    end = first.end;
    yield first;
    // Objects one after the other, without the list that they were asked for in.
    const objects = [first];
    for (let next = follower(text, end); next !== undefined; next = follower(text, end)) {
      const object = new Reader(text, next).read();
      end = object.end;
      if (object.isWhole) objects.push(object);
    }
    if (text[start] === '{') yield { value: objects.map(({ value }) => value), isExact: false };
  }
  for (const start of inner) yield new Reader(text, start).read();
}

/** Where another object begins after nothing but white space and commas. */
function follower(text: string, at: number): number | undefined {
  const gap = /[\s,]*\{/y;
  gap.lastIndex = at;
  return gap.test(text) ? gap.lastIndex - 1 : undefined;
}

/** What is no value: the text ends, or something else stands there. */
const NOTHING = Symbol('nothing');

/** Reads one value from a text, forgivingly. */
class Reader {
  readonly #text: string;
  #at: number;
  #isExact = true;
  /** Everything that was begun has come to its end. */
  #isWhole = true;

  constructor(text: string, start: number) {
    this.#text = text;
    this.#at = start;
  }

  read(): Found & { isWhole: boolean; end: number } {
    const value = this.#value(0);
    return { value, isExact: this.#isExact, isWhole: this.#isWhole, end: this.#at };
  }

  #value(depth: number): unknown {
    this.#space();
    const next = this.#text[this.#at];
    if (depth > DEEPEST) return this.#fail();
    if (next === '{') return this.#object(depth);
    if (next === '[') return this.#list(depth);
    if (next === '"') return this.#string();
    return this.#word();
  }

  #list(depth: number): unknown[] {
    const list: unknown[] = [];
    this.#at += 1;
    for (let expects = true; ;) {
      this.#space();
      if (this.#take(']')) {
        if (expects && list.length > 0) this.#isExact = false;
        return list;
      }
      if (this.#take(',')) {
        if (expects) this.#isExact = false;
        expects = true;
        continue;
      }
      if (!expects) this.#isExact = false;
      const value = this.#value(depth + 1);
      // An item that is cut off is none.
      if (value === NOTHING || (!this.#isWhole && isObject(value))) return this.#give(list);
      list.push(value);
      expects = false;
    }
  }

  #object(depth: number): object {
    const object: Record<string, unknown> = {};
    this.#at += 1;
    for (let expects = true, isFirst = true; ;) {
      this.#space();
      if (this.#take('}')) {
        if (expects && !isFirst) this.#isExact = false;
        return object;
      }
      if (this.#take(',')) {
        if (expects) this.#isExact = false;
        expects = true;
        continue;
      }
      if (!expects) this.#isExact = false;
      if (this.#text[this.#at] !== '"') return this.#give(object);
      const key = this.#string();
      this.#space();
      if (typeof key !== 'string' || !this.#take(':')) return this.#give(object);
      const value = this.#value(depth + 1);
      if (value === NOTHING) return this.#give(object);
      Object.defineProperty(object, key, {
        value,
        enumerable: true,
        writable: true,
        configurable: true,
      });
      expects = false;
      isFirst = false;
    }
  }

  /** The end of a string is the first quote that something may follow upon. */
  #string(): string | typeof NOTHING {
    const start = this.#at;
    for (let at = start + 1; at < this.#text.length; at += 1) {
      const character = this.#text[at];
      if (character === '\\') at += 1;
      else if (character === '"' && /^\s*(?:[,:}\]]|$)/.test(this.#text.slice(at + 1, at + 200))) {
        this.#at = at + 1;
        return this.#decode(this.#text.slice(start + 1, at));
      }
    }
    return this.#fail();
  }

  #decode(body: string): string {
    try {
      return String(JSON.parse(`"${body}"`));
    } catch {
      this.#isExact = false;
    }
    const simple: Record<string, string> = { n: '\n', t: '\t', r: '\r' };
    return body.replaceAll(/\\(.)/gs, (_, escaped: string) => simple[escaped] ?? escaped);
  }

  #word(): unknown {
    const pattern = /[-+.\w]+/y;
    pattern.lastIndex = this.#at;
    const [word] = pattern.exec(this.#text) ?? [];
    if (word === undefined) return this.#fail();
    this.#at += word.length;
    // More of it may have been to come.
    if (this.#at >= this.#text.length) return this.#fail();
    try {
      return JSON.parse(word) as unknown;
    } catch {
      return this.#fail();
    }
  }

  /** What there is of a container that does not go on as it should; the rest of the text is left. */
  #give<T>(value: T): T {
    this.#isExact = false;
    this.#isWhole = false;
    this.#at = this.#text.length;
    return value;
  }

  #fail(): typeof NOTHING {
    this.#give(undefined);
    return NOTHING;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #space(): void {
    const space = /\s*/y;
    space.lastIndex = this.#at;
    space.test(this.#text);
    this.#at = space.lastIndex;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
