import { z } from 'zod';
import { codeBlocks, extractTests } from '../../extraction.ts';
import { causeOf, type Cause } from './causes.ts';

/** What an answer says of one test. */
export interface Said {
  flaky: boolean;
  /** `undefined` for none, and for what is no cause. */
  cause: Cause | undefined;
}

export interface ReadAnswer {
  /** By test, in the order of the spec; `undefined` where the answer says nothing. */
  said: (Said | undefined)[];
  /** Code that is to replace tests; empty without any. */
  fix: string;
  /** The code parses as it stood. */
  fixParses: boolean;
}

const flag = z.union([
  z.boolean(),
  z.string().transform((word, context) => {
    if (/^\s*(true|yes|flaky)\s*$/i.test(word)) return true;
    if (/^\s*(false|no|stable|not flaky)\s*$/i.test(word)) return false;
    context.addIssue({ code: 'custom', message: 'neither true nor false' });
    return z.NEVER;
  }),
]);

const word = z.string().nullish().catch(undefined);

/** One test's entry, in the words that models use for its parts. */
const entrySchema = z.object({
  test: z.union([z.number(), z.string()]).nullish().catch(undefined),
  name: word,
  title: word,
  flaky: flag,
  cause: word,
});
type Entry = z.infer<typeof entrySchema>;

/** More entries than any spec has tests: what follows repeats. */
const MOST_ENTRIES = 200;

/**
 * Reads the verdicts on a spec's tests, and the code that mends them. Each entry stands for itself, so that one that
 * is cut off or malformed costs no other.
 */
export function readAnswer(text: string, titles: readonly string[]): ReadAnswer {
  const said: (Said | undefined)[] = titles.map(() => undefined);
  for (const [position, entry] of entriesIn(text).entries()) {
    const index = indexOf(entry, position, titles);
    if (index === undefined || index >= titles.length || said[index] !== undefined) continue;
    said[index] = { flaky: entry.flaky, cause: causeOf(entry.cause ?? '') };
  }
  return { said, ...fixIn(text) };
}

function isCode(block: string): boolean {
  return extractTests(fenced(block)).code !== '';
}

function fenced(block: string): string {
  // Longer than any fence that the block itself can hold.
  return `\`\`\`\`\`\`\n${block}\n\`\`\`\`\`\``;
}

function entriesIn(text: string): Entry[] {
  const blocks = codeBlocks(text);
  const entries = blocks.filter((block) => !isCode(block)).flatMap(objectsIn);
  if (entries.length > 0) return entries.slice(0, MOST_ENTRIES);
  const prose = blocks.reduce((rest, block) => rest.replace(block, () => ''), text);
  return objectsIn(prose).slice(0, MOST_ENTRIES);
}

/** Every object of a text that holds no other and is an entry. */
function objectsIn(text: string): Entry[] {
  return [...text.matchAll(/\{[^{}]*\}/g)].flatMap(([object]) => {
    const parsed = entrySchema.safeParse(lenientJson(object));
    return parsed.success ? [parsed.data] : [];
  });
}

function lenientJson(text: string): unknown {
  // Comments, quotes and commas as JavaScript has them.
  const plain = text
    .replaceAll(/\/\/[^\n"]*$/gm, '')
    .replaceAll(/,\s*\}/g, '}')
    .replaceAll(/([{,]\s*)'?([A-Za-z]\w*)'?\s*:/g, '$1"$2":')
    .replaceAll(/:\s*'([^'"\n]*)'/g, ': "$1"')
    .replaceAll(/:\s*(True|False)\b/g, (_, value: string) => `: ${value.toLowerCase()}`);
  for (const candidate of [text, plain]) {
    try {
      const value: unknown = JSON.parse(candidate);
      return value;
    } catch {
      // The next reading, or none.
    }
  }
  return undefined;
}

const bare = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, ' ')
    .trim();

/** The place of the test that an entry speaks of. */
function indexOf(entry: Entry, position: number, titles: readonly string[]): number | undefined {
  const names = [entry.test, entry.name, entry.title].filter((name) => name !== undefined);
  for (const name of names) {
    if (name === null) continue;
    if (typeof name === 'number') return Number.isInteger(name) && name > 0 ? name - 1 : undefined;
    const number = /^\s*(?:test|t|#)?\s*(\d+)\b/i.exec(name)?.[1];
    const byTitle = titles.findIndex((title) => bare(title) === bare(name));
    if (byTitle >= 0) return byTitle;
    if (number !== undefined) return Number(number) - 1;
    const within = titles.findIndex((title) => bare(name).includes(bare(title)));
    if (within >= 0) return within;
  }
  return names.length === 0 ? position : undefined;
}

/** All blocks of tests, one after the other; the text itself where there is no block at all. */
function fixIn(text: string): { fix: string; fixParses: boolean } {
  const blocks = codeBlocks(text);
  const found =
    blocks.length === 0 ? [extractTests(text)] : blocks.map((block) => extractTests(fenced(block)));
  const tests = found.filter(({ code }) => code !== '');
  return {
    fix: tests.map(({ code }) => code).join('\n\n'),
    fixParses: tests.every(({ parses }) => parses),
  };
}
