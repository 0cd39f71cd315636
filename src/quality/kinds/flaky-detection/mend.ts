import ts from '@typescript/typescript6';
import { bodyOf, callIn, errorsOf, parse, SUITE_CALLS, TEST_CALLS } from '../../extraction.ts';
import { edited, testsOf, titlesIn, type Edit, type TestStatement } from './spec.ts';

const HOOKS = new Set(['beforeAll', 'beforeEach', 'afterAll', 'afterEach']);
/** What these export is global. */
const RUNNER_MODULES = new Set(['vitest', 'vitest/globals', '@jest/globals']);

/** What a fix consists of, whatever `describe` it stands in. */
export interface Pieces {
  imports: ts.ImportDeclaration[];
  tests: TestStatement[];
  /** Hooks, helpers, and whatever else stands around the tests. */
  around: ts.Statement[];
}

/**
 * Puts a fix into a spec: its tests replace those of the same title, its hooks and helpers are added before them. A
 * fix that holds every test, with what they import, replaces the whole file.
 * @param suspects titles of the tests that the answer calls flaky: a new title replaces one of them that is left
 * @returns `undefined` when the fix holds no test
 */
export function mend(spec: string, fix: string, suspects: readonly string[]): string | undefined {
  const fixFile = parse(fix);
  const pieces = piecesOf(fixFile);
  if (pieces.tests.length === 0) return undefined;
  const titles = new Set(pieces.tests.map(({ title }) => title));
  const isWhole = titlesIn(spec).every((title) => titles.has(title));
  if (isWhole && pieces.imports.some((each) => /^\.{1,2}\//.test(moduleOf(each)))) return fix;
  const specFile = parse(spec);
  const text = edited(spec, [
    ...importEdits(specFile, pieces.imports, fixFile),
    ...statementEdits(specFile, pieces, fixFile, suspects),
  ]);
  return text;
}

export function piecesOf(file: ts.SourceFile): Pieces {
  const pieces: Pieces = { imports: [], tests: testsOf(file), around: [] };
  const walk = (statements: readonly ts.Statement[]): void => {
    for (const statement of statements) {
      const suite = callIn(statement, SUITE_CALLS);
      const body = suite === undefined ? undefined : bodyOf(suite);
      if (body !== undefined) walk(body.statements);
      else if (ts.isImportDeclaration(statement)) pieces.imports.push(statement);
      else if (callIn(statement, TEST_CALLS) === undefined) pieces.around.push(statement);
    }
  };
  walk(file.statements);
  return pieces;
}

function moduleOf(declaration: ts.ImportDeclaration): string {
  const { moduleSpecifier } = declaration;
  return ts.isStringLiteral(moduleSpecifier) ? moduleSpecifier.text : '';
}

/** Names that declarations bind, to what stands for them: `check` or `check as verify`. */
function bindings(declaration: ts.ImportDeclaration, file: ts.SourceFile): Map<string, string> {
  const named = declaration.importClause?.namedBindings;
  if (named === undefined || !ts.isNamedImports(named)) return new Map();
  return new Map(named.elements.map((element) => [element.name.text, element.getText(file)]));
}

/** Adds what the fix imports and the spec does not. */
function importEdits(
  spec: ts.SourceFile,
  imports: readonly ts.ImportDeclaration[],
  fix: ts.SourceFile,
): Edit[] {
  const known = new Set<string>();
  let end = 0;
  for (const statement of spec.statements) {
    if (!ts.isImportDeclaration(statement)) continue;
    for (const name of bindings(statement, spec).keys()) known.add(name);
    ({ end } = statement);
  }
  const lines: string[] = [];
  for (const declaration of imports) {
    const module = moduleOf(declaration);
    if (RUNNER_MODULES.has(module)) continue;
    const found = bindings(declaration, fix);
    const missing = [...found].filter(([name]) => !known.has(name));
    for (const [name] of missing) known.add(name);
    if (missing.length > 0) {
      lines.push(`import { ${missing.map(([, text]) => text).join(', ')} } from '${module}';`);
    } else if (found.size === 0) {
      lines.push(declaration.getText(fix));
    }
  }
  return lines.length === 0 ? [] : [{ start: end, end, text: `\n${lines.join('\n')}` }];
}

function statementEdits(
  specFile: ts.SourceFile,
  { tests, around }: Pieces,
  fixFile: ts.SourceFile,
  suspects: readonly string[],
): Edit[] {
  const old = testsOf(specFile);
  // Of two tests with the same title the later one is meant: the earlier may be quoted.
  const byTitle = new Map(tests.map((test) => [test.title, test]));
  const edits: Edit[] = [];
  const replaced: TestStatement[] = [];
  const replace = (test: TestStatement, by: TestStatement): void => {
    const { statement } = test;
    const text = by.statement.getText(fixFile);
    edits.push({ start: statement.getStart(specFile), end: statement.end, text });
    replaced.push(test);
    byTitle.delete(by.title);
  };
  for (const test of old) {
    const by = byTitle.get(test.title);
    if (by !== undefined) replace(test, by);
  }
  for (const test of old) {
    const [renamed] = byTitle.values();
    const isLeft = suspects.includes(test.title) && !replaced.includes(test);
    if (isLeft && renamed !== undefined) replace(test, renamed);
  }
  const [place] = replaced.length > 0 ? replaced : old;
  if (place === undefined) return [];
  const added = [...byTitle.values()].map(({ statement }) => statement.getText(fixFile));
  const last = place.siblings.at(-1);
  if (added.length > 0 && last !== undefined) {
    edits.push({ start: last.end, end: last.end, text: `\n\n${added.join('\n\n')}` });
  }
  edits.push(...aroundEdits(specFile, place, around, fixFile));
  return edits;
}

/** Names that a statement declares. */
function declared(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) =>
      ts.isIdentifier(name) ? [name.text] : [],
    );
  }
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return isNamed && statement.name !== undefined ? [statement.name.text] : [];
}

/** Adds helpers and hooks before the tests; what the spec has is left, what it has under the same name is replaced. */
function aroundEdits(
  specFile: ts.SourceFile,
  place: TestStatement,
  around: readonly ts.Statement[],
  fixFile: ts.SourceFile,
): Edit[] {
  const scope = [...new Set([...specFile.statements, ...place.siblings])];
  const texts = new Set(scope.map((statement) => bare(statement.getText(specFile))));
  const edits: Edit[] = [];
  const added: string[] = [];
  for (const statement of around) {
    const text = statement.getText(fixFile);
    if (texts.has(bare(text))) continue;
    texts.add(bare(text));
    const names = declared(statement);
    const same = scope.find((other) => declared(other).some((name) => names.includes(name)));
    if (same === undefined) added.push(text);
    else edits.push({ start: same.getStart(specFile), end: same.end, text });
  }
  const first = place.siblings.find(
    (statement) =>
      callIn(statement, TEST_CALLS) !== undefined || callIn(statement, HOOKS) !== undefined,
  );
  if (added.length > 0 && first !== undefined) {
    const start = first.getStart(specFile);
    edits.push({ start, end: start, text: `${added.join('\n')}\n\n` });
  }
  return edits;
}

function bare(text: string): string {
  return text.replaceAll(/\s+/g, ' ');
}

/** Whether a mended spec is a program at all. */
export function parses(source: string): boolean {
  return errorsOf(parse(source)).length === 0;
}
