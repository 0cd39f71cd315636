import ts from '@typescript/typescript6';
import { SUITE_CALLS, TEST_CALLS, callIn, bodyOf, parse } from '../../extraction.ts';

/** One `it` of a test file. */
export interface TestBlock {
  /** `suite > test`, with the titles as they are written. */
  name: string;
  /** Without what it is indented by. */
  code: string;
}

interface Piece {
  start: number;
  end: number;
}

interface Found extends TestBlock, Piece {
  /** The suites around it, outermost first. */
  suites: Piece[];
}

/** The tests of a file, in order. */
export function testBlocks(source: string): TestBlock[] {
  return find(source).map(({ name, code }) => ({ name, code }));
}

/** A test file without some of its tests, and without the suites and imported names that are empty or idle then. */
export function withoutTests(source: string, names: ReadonlySet<string>): string {
  const blocks = find(source);
  const kept = blocks.filter(({ name }) => !names.has(name));
  const gone = blocks
    .filter(({ name }) => names.has(name))
    .map((block): Piece => {
      const outermost = block.suites.find((suite) => !kept.some((other) => isInside(other, suite)));
      return outermost ?? block;
    });
  return dropIdle(cut(source, gone));
}

/** What a test file has around its tests: imports, constants and functions at its top. */
export function headOf(source: string): ts.Statement[] {
  return parse(source).statements.filter(
    (statement) =>
      callIn(statement, TEST_CALLS) === undefined && callIn(statement, SUITE_CALLS) === undefined,
  );
}

function find(source: string): Found[] {
  const file = parse(source);
  const found: Found[] = [];
  const walk = (
    statements: readonly ts.Statement[],
    titles: readonly string[],
    suites: Piece[],
  ): void => {
    for (const statement of statements) {
      const piece = { start: statement.getFullStart(), end: statement.getEnd() };
      const test = callIn(statement, TEST_CALLS);
      const suite = callIn(statement, SUITE_CALLS);
      if (test !== undefined) {
        const name = [...titles, titleOf(test)].join(' > ');
        const code = dedent(source, statement.getStart(file), piece.end);
        found.push({ ...piece, name, code, suites });
      } else if (suite !== undefined) {
        const body = bodyOf(suite);
        if (body) walk(body.statements, [...titles, titleOf(suite)], [...suites, piece]);
      }
    }
  };
  walk(file.statements, [], []);
  return found;
}

function titleOf(call: ts.CallExpression): string {
  const [title] = call.arguments;
  return title !== undefined && ts.isStringLiteralLike(title) ? title.text : '';
}

function dedent(source: string, start: number, end: number): string {
  const column = start - (source.lastIndexOf('\n', start - 1) + 1);
  return source.slice(start, end).replaceAll(new RegExp(`^ {1,${Math.max(column, 1)}}`, 'gm'), '');
}

function isInside(inner: Piece, outer: Piece): boolean {
  return inner.start >= outer.start && inner.end <= outer.end;
}

function cut(source: string, pieces: readonly Piece[]): string {
  const sorted = [...pieces].sort((a, b) => a.start - b.start);
  let text = '';
  let at = 0;
  for (const { start, end } of sorted) {
    if (end <= at) continue;
    text += source.slice(at, start);
    at = end;
  }
  // A suite whose first test is gone begins with an empty line.
  return (text + source.slice(at)).replaceAll(/\{\n\n/g, '{\n');
}

/** Leaves out imported names, constants, functions and types at the top that nothing speaks of any more. */
function dropIdle(source: string): string {
  const file = parse(source);
  const isIdle = (name: string): boolean => countOf(source, name) === 1;
  const pieces = file.statements.flatMap((statement): Piece[] => {
    const names = declaredBy(statement);
    if (names.length > 0 && names.every(isIdle)) {
      return [{ start: statement.getFullStart(), end: statement.getEnd() }];
    }
    return ts.isImportDeclaration(statement) ? idleSpecifiers(statement, isIdle) : [];
  });
  return pieces.length === 0 ? source.trim() + '\n' : dropIdle(cut(source, pieces));
}

function idleSpecifiers(
  { importClause }: ts.ImportDeclaration,
  isIdle: (name: string) => boolean,
): Piece[] {
  const bindings = importClause?.namedBindings;
  if (bindings === undefined || !ts.isNamedImports(bindings)) return [];
  const { elements } = bindings;
  return elements.flatMap((element, index): Piece[] => {
    if (!isIdle(element.name.text)) return [];
    const next = elements[index + 1];
    // With the comma behind it; the last one with the comma before it.
    return next
      ? [{ start: element.getStart(), end: next.getStart() }]
      : [{ start: elements[index - 1]?.getEnd() ?? element.getStart(), end: element.getEnd() }];
  });
}

/** The names that a statement declares for others to use. */
export function declaredBy(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.flatMap(({ name }) =>
      ts.isIdentifier(name) ? [name.text] : (name.getText().match(/\w+/g) ?? []),
    );
  }
  if (ts.isImportDeclaration(statement)) return importedBy(statement);
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return isNamed && statement.name !== undefined ? [statement.name.text] : [];
}

function importedBy({ importClause }: ts.ImportDeclaration): string[] {
  const bindings = importClause?.namedBindings;
  const names = importClause?.name === undefined ? [] : [importClause.name.text];
  if (bindings === undefined) return names;
  return ts.isNamedImports(bindings)
    ? [...names, ...bindings.elements.map(({ name }) => name.text)]
    : [...names, bindings.name.text];
}

/** How often a word stands in a text. */
function countOf(text: string, word: string): number {
  return (
    text.match(new RegExp(`(?<![\\w$])${word.replaceAll('$', '\\$')}(?![\\w$])`, 'g'))?.length ?? 0
  );
}
