/** Characters looked at from the begin and from the end of a text: the ask stands in one of them. */
export const HEAD_CHARS = 6_000;
export const TAIL_CHARS = 2_000;

/** How often each thing occurs; fractions where texts of different weight were added up. */
export interface Counts {
  /** Stems of the words outside of code, in both forms: `test` and `unit test`. */
  terms: Map<string, number>;
  structure: Structure;
}

export interface Structure {
  words: number;
  codeLines: number;
  /** Deepest indentation of the code, in steps of four columns. */
  nesting: number;
  /** Lines of code that wait, lock, send or spawn. */
  concurrentLines: number;
  /** Lines of code that check something or declare a test. */
  testLines: number;
  /** Files that the code is said to come from. */
  files: number;
  /** Commas, semicolons and colons outside of code: a list of demands has many. */
  listMarks: number;
  questions: number;
  sentences: number;
  percentages: number;
  diffLines: number;
}

/** A text of so many lines is read as words even where it looks like code. */
const SHORT_LINES = 3;
/** The first words, in which people say what they want, are counted once more, as `^write`. */
const LEAD_WORDS = 2;

const WORD = /[a-z][a-z0-9]*(?:[-'+#][a-z0-9]+)*/g;
const CODE_END = /[;{}]$|^[)\]}]|=> ?[({]$|^(?:def|class|func|fn|fun|for|if|while|try) .*:$/;
const CODE_START =
  /^(?:const|let|var|import|export|return|public|private|func|fn|def|class|type|struct|impl|use|package|async|await|assert|expect|@\w|<\/?\w|[+-] {2}|[+-]{3} |#include|\$\w|run:|- name:)/;
const FILE = /^(?:(?:\/\/|#|--) ?[\w./-]+\.[a-z]{1,5}\b|diff --git |SF:)/;
const CONCURRENT =
  /\b(?:await|async|mutex|lock|unlock|atomic|promise|thread|threading|chan|synchronized|settimeout|setinterval|sleep|commit|begin|abort|signal|executor|queue|select!|spawn|memory_order)\b|<-|\bgo \w/i;
const TEST =
  /\b(?:expect|assert\w*|it|test|describe|verify|should|t\.(?:fatal|error)f?)\(|@test|#\[test/i;

/** The parts of a text that are looked at, whatever its length; white space at its end tells nothing. */
export function excerpt(text: string): string {
  const trimmed = text.trimEnd();
  if (trimmed.length <= HEAD_CHARS + TAIL_CHARS) return trimmed;
  return `${trimmed.slice(0, HEAD_CHARS)}\n${trimmed.slice(-TAIL_CHARS)}`;
}

/** Counts what stands in the excerpt of a text: linear in its length, and bounded as the excerpt is. */
export function count(text: string): Counts {
  const structure = nothing();
  const terms = new Map<string, number>();
  let fenced = false;
  const lines = excerpt(text).split('\n');
  // In a few lines people write words and code side by side.
  const isShort = lines.length <= SHORT_LINES;
  for (const line of lines) {
    const content = line.trim();
    if (content.startsWith('```')) fenced = !fenced;
    else if (content === '') continue;
    else if (fenced || isCode(line, content)) {
      countCode(line, content, structure);
      if (isShort) countProse(content, terms, structure);
    } else countProse(content, terms, structure);
  }
  return { terms, structure };
}

/** Adds what another text says, at a weight. */
export function add(to: Counts, from: Counts, weight: number): void {
  addTerms(to, from, weight);
  const { structure } = from;
  for (const key of STRUCTURE) to.structure[key] += structure[key] * weight;
}

export function addTerms(to: Counts, from: Counts, weight: number): void {
  for (const [term, n] of from.terms) to.terms.set(term, (to.terms.get(term) ?? 0) + n * weight);
}

/** Cuts the commonest endings, so that `tests`, `tested` and `testing` are one. */
export function stem(word: string): string {
  if (word.length > 5 && word.endsWith('ing')) return word.slice(0, -3);
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  if (word.length > 4 && word.endsWith('ed')) return word.slice(0, -2);
  if (word.length > 3 && word.endsWith('s') && !/[siu]s$/.test(word))
    return stemE(word.slice(0, -1));
  return stemE(word);
}

function stemE(word: string): string {
  return word.length > 4 && word.endsWith('e') ? word.slice(0, -1) : word;
}

export function nothing(): Structure {
  return {
    words: 0,
    codeLines: 0,
    nesting: 0,
    concurrentLines: 0,
    testLines: 0,
    files: 0,
    listMarks: 0,
    questions: 0,
    sentences: 0,
    percentages: 0,
    diffLines: 0,
  };
}

export const STRUCTURE = [
  'words',
  'codeLines',
  'nesting',
  'concurrentLines',
  'testLines',
  'files',
  'listMarks',
  'questions',
  'sentences',
  'percentages',
  'diffLines',
] as const satisfies readonly (keyof Structure)[];

function isCode(line: string, content: string): boolean {
  return /^(?:\t| {2})/.test(line) || CODE_END.test(content) || CODE_START.test(content);
}

function countCode(line: string, content: string, into: Structure): void {
  into.codeLines++;
  const indent = /^[\t ]*/.exec(line)?.[0] ?? '';
  const columns = indent.length + 3 * (indent.split('\t').length - 1);
  into.nesting = Math.max(into.nesting, Math.min(columns / 4, 8));
  if (CONCURRENT.test(content)) into.concurrentLines++;
  if (TEST.test(content)) into.testLines++;
  if (FILE.test(content)) into.files++;
  if (/^[+-] /.test(content)) into.diffLines++;
}

function countProse(content: string, terms: Map<string, number>, into: Structure): void {
  if (FILE.test(content)) into.files++;
  for (const mark of content) {
    if (mark === ',' || mark === ';' || mark === ':') into.listMarks++;
    else if (mark === '?') into.questions++;
    else if (mark === '%') into.percentages++;
  }
  into.sentences += content.split(/[.?!](?:\s|$)/).length - (/[.?!]$/.test(content) ? 1 : 0);
  let before = '';
  const first = into.words === 0;
  for (const word of content.toLowerCase().match(WORD) ?? []) {
    const term = stem(word);
    into.words++;
    if (first && into.words <= LEAD_WORDS) terms.set(`^${term}`, 1);
    terms.set(term, (terms.get(term) ?? 0) + 1);
    if (before !== '') {
      const pair = `${before} ${term}`;
      terms.set(pair, (terms.get(pair) ?? 0) + 1);
    }
    before = term;
  }
}
