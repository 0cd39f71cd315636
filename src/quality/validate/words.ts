import ts from '@typescript/typescript6';

/** Shorter words are units and codes (`kB`, `GET`), which often mean something to the code itself. */
const LEAST_LETTERS = 4;

/** Names that mean something to JavaScript, to Node or to a test runner: changed, they would break a module. */
const KNOWN = knownWords();

/**
 * Words of a module's string constants that its tests expect word for word, in lower case. A change of such a
 * word in both changes what the module does, and what is right to expect of it.
 */
export function sharedWords(subject: string, reference: string, fileName: string): string[] {
  const expected = new Set(wordsOf(textsOf(reference)));
  const fixed = allWords(fileName);
  // `attempt${n === 1 ? '' : 's'}`: neither this nor `attempts` stands whole in the text.
  const torn = [...tornWords(subject), ...tornWords(reference)];
  const isWhole = (word: string): boolean =>
    torn.every((piece) => !word.startsWith(piece) && !word.endsWith(piece));
  const shared = wordsOf(textsOf(subject)).filter(
    (word) => expected.has(word) && !KNOWN.has(word) && !fixed.has(word) && isWhole(word),
  );
  return [...new Set(shared)].sort();
}

/** Names of what a module exports, types included. */
export function exportedNames(subject: string): string[] {
  const pattern =
    /^export (?:async |abstract )?(?:function|class|const|let|type|interface) (\w+)/gm;
  return [...new Set([...subject.matchAll(pattern)].flatMap(([, name]) => name ?? []))].sort();
}

/** Every word of a text, in lower case. */
export function allWords(text: string): Set<string> {
  return new Set((text.match(/\w+/g) ?? []).map((word) => word.toLowerCase()));
}

export function isKnown(word: string): boolean {
  return KNOWN.has(word.toLowerCase());
}

/** Words of the messages of errors that a module makes, in lower case. */
export function messageWords(subject: string): Set<string> {
  return new Set(wordsOf(textsOf(subject, isError)));
}

function isError(node: ts.Node): boolean {
  return ts.isNewExpression(node) && node.expression.getText().endsWith('Error');
}

/** `it('…')`, `describe.each(…)('…')`: what a test is called is expected of nothing. */
function isTitle(node: ts.Node): boolean {
  const { parent } = node;
  return (
    ts.isCallExpression(parent) &&
    parent.arguments[0] === node &&
    /^(?:it|test|describe)\b/.test(parent.expression.getText())
  );
}

/** Pieces of words that what is put into a template is joined to, in lower case. */
function tornWords(source: string): Set<string> {
  const pieces = source.match(/[A-Za-z]+(?=\$\{)|(?<=\})[A-Za-z]+/g) ?? [];
  return new Set(pieces.filter((piece) => piece.length > 1).map((piece) => piece.toLowerCase()));
}

/** What stands in string and template literals: of the whole source, or of what is `within` a node of it. */
function textsOf(source: string, within?: (node: ts.Node) => boolean): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node, inside = within === undefined): void => {
    if (!inside) {
      ts.forEachChild(node, (child) => visit(child, within?.(child)));
      return;
    }
    if (isTitle(node)) return;
    if (ts.isStringLiteralLike(node) && !ts.isImportDeclaration(node.parent)) texts.push(node.text);
    if (ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node)) {
      texts.push(node.text);
    }
    ts.forEachChild(node, (child) => visit(child, true));
  };
  ts.forEachChild(ts.createSourceFile('x.ts', source, ts.ScriptTarget.ES2022, true), (child) =>
    visit(child),
  );
  return texts;
}

function wordsOf(texts: readonly string[]): string[] {
  const words = texts.flatMap((text) => text.match(/(?<!\w)[A-Za-z]+(?!\w)/g) ?? []);
  return words.filter((word) => word.length >= LEAST_LETTERS).map((word) => word.toLowerCase());
}

function knownWords(): Set<string> {
  const words = new Set(
    'abstract async await boolean break case catch class const continue debugger declare default delete else enum export extends false finally function implements import instanceof interface keyof namespace never null number object private protected public readonly return satisfies static string super switch symbol this throw true type typeof undefined unknown void while with yield bigint record partial required omit pick describe expect test tests each only skip todo vitest resolves rejects using'.split(
      ' ',
    ),
  );
  const prototypes: unknown[] = [globalThis, Math, JSON, Reflect, Intl, process, console];
  for (const value of Object.values(Object.getOwnPropertyDescriptors(globalThis))) {
    const exported: unknown = value.value;
    if (typeof exported === 'function') prototypes.push(exported, exported.prototype);
  }
  for (const owner of prototypes) {
    if (typeof owner !== 'object' && typeof owner !== 'function') continue;
    if (owner === null) continue;
    for (const name of Object.getOwnPropertyNames(owner)) words.add(name.toLowerCase());
  }
  return words;
}
