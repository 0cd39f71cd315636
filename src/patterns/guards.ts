import { PARAPHRASE_CLASSES, SWAYING_WORDS, FREE_WORDS } from './guard-words.ts';

/** What two prompts differ in that an answer may hang on. */
export type Difference = (typeof KINDS)[number] | 'order';

/**
 * What speaks against answering one prompt with the other's answer; `undefined` where nothing does.
 * Embeddings see hardly a difference between "37" and "35", `parse` and `format`, "with" and
 * "without". So prompts must have the same numbers, identifiers, paths, code, negations and words
 * that turn a meaning round, and of all other words only those may differ that say how something is
 * asked for and not what. Names and numbers stand in the same order, and so do all words where
 * one of them says which way something goes.
 */
export function differenceOf(one: string, other: string): Difference | undefined {
  if (one === other) return undefined;
  const first = factsOf(one);
  const second = factsOf(other);
  for (const kind of KINDS) if (!isSame(first[kind], second[kind])) return kind;
  const isOrdered = DIRECTION.test(one) || DIRECTION.test(other);
  for (const kind of isOrdered ? [...ORDERED, 'word' as const] : ORDERED) {
    if (first[kind].join('\n') !== second[kind].join('\n')) return 'order';
  }
  return undefined;
}

const KINDS = ['code', 'path', 'identifier', 'number', 'negation', 'sense', 'word'] as const;

/** What of each kind stands in a prompt, as it comes. */
type Facts = Record<(typeof KINDS)[number], string[]>;
const ORDERED = ['code', 'path', 'identifier', 'number'] as const;
const DIRECTION =
  /\b(?:from|into|onto|than|instead|over|replac\w*|conver\w*|mov\w*|copy\w*|renam\w*|swap\w*)\b/i;

const CODE_BLOCK = /```[\s\S]*?```|~~~[\s\S]*?~~~/g;
const INLINE_CODE = /`[^`\n]+`/g;
const QUOTED = /"[^"\n]+"|“[^”\n]+”|'[^'\n]{2,}'(?![a-z])/g;
const PATH =
  /(?:[\w.@~-]*\/)+[\w.@-]+|\b[\w-]+\.(?:[cm]?[jt]sx?|json|py|go|rs|java|md|ya?ml|css|html|sql|sh)\b/g;
/** camelCase, PascalCase with a second capital, snake_case, CONSTANT_CASE, dotted.names, calls(). */
const IDENTIFIER =
  /\b(?:[a-z]+\d*[A-Z]\w*|[A-Z][a-z0-9]+[A-Z]\w*|\w+_\w+|[A-Z]{2,}\d*|\w+\.\w[\w.]*|\w+(?=\(\)))/g;
const NUMBER = /[-+]?\d[\d_,.]*(?:e[-+]?\d+)?%?/gi;
const NEGATION =
  /\b(?:no|not|never|none|nothing|neither|nor|without|except|unless|cannot|\w+n['’]t)\b/gi;
const WORD = /\p{L}[\p{L}'’-]*/gu;

const NUMBER_WORDS: Readonly<Record<string, string>> = Object.fromEntries(
  [
    'zero',
    'one',
    'two',
    'three',
    'four',
    'five',
    'six',
    'seven',
    'eight',
    'nine',
    'ten',
    'eleven',
    'twelve',
  ].map((word, value) => [word, String(value)]),
);

function factsOf(prompt: string): Facts {
  const facts: Facts = {
    code: [],
    path: [],
    identifier: [],
    number: [],
    negation: [],
    sense: [],
    word: [],
  };
  let rest = prompt.normalize('NFC');
  const take = (pattern: RegExp, kind: keyof Facts, normal: (text: string) => string): void => {
    rest = rest.replaceAll(pattern, (found) => {
      facts[kind].push(normal(found));
      return ' ';
    });
  };
  take(CODE_BLOCK, 'code', squeeze);
  take(INLINE_CODE, 'identifier', unquote);
  take(QUOTED, 'identifier', unquote);
  take(PATH, 'path', (found) => found);
  take(IDENTIFIER, 'identifier', (found) => found);
  take(NUMBER, 'number', (found) => found.replaceAll(/[_,]|[.,]+$/g, ''));
  take(NEGATION, 'negation', () => 'not');
  for (const [found] of rest.matchAll(WORD)) addWord(facts, found.toLowerCase());
  return facts;
}

function addWord(facts: Facts, word: string): void {
  const number = NUMBER_WORDS[word];
  if (number !== undefined) {
    facts.number.push(number);
    return;
  }
  const stem = stemOf(word);
  if (SWAYING_WORDS.has(word) || SWAYING_WORDS.has(stem)) facts.sense.push(stem);
  else if (FREE_WORDS.has(word) || FREE_WORDS.has(stem)) return;
  else {
    const meant = PARAPHRASE_CLASSES.get(stem) ?? PARAPHRASE_CLASSES.get(word) ?? stem;
    // Said once or twice, it is the same thing that is spoken of.
    if (!facts.word.includes(meant)) facts.word.push(meant);
  }
}

/** Plural and past, which change how something is said. */
function stemOf(word: string): string {
  if (word.length <= 3) return word;
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (/(?:ss|x|ch|sh)es$/.test(word)) return word.slice(0, -2);
  if (word.endsWith('s') && !/(?:ss|us|is)$/.test(word)) return word.slice(0, -1);
  return word;
}

/** The same ones, as often, in any order. */
function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.toSorted().join('\n') === other.toSorted().join('\n');
}

const unquote = (text: string): string => text.slice(1, -1);
const squeeze = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();
