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
  const shared = wordsOf(textsOf(subject)).filter(
    (word) => expected.has(word) && !KNOWN.has(word) && !fixed.has(word),
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

/** What stands in string and template literals. */
function textsOf(source: string): string[] {
  const texts: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) && !ts.isImportDeclaration(node.parent)) texts.push(node.text);
    if (ts.isTemplateHead(node) || ts.isTemplateMiddle(node) || ts.isTemplateTail(node)) {
      texts.push(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('x.ts', source, ts.ScriptTarget.ES2022, true));
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
