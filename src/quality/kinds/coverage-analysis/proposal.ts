import ts from '@typescript/typescript6';
import { TEST_CALLS, callIn, errorsOf, parse } from '../../extraction.ts';
import { declaredBy, headOf } from './test-file.ts';

/** What vitest gives to a test file that imports nothing. */
const RUNNER = /^(?:vitest|@jest\/globals)$/;

/**
 * The test file that a proposed test runs in: the imports and helpers of the file that it was proposed
 * for, everything that the module exports, and the proposal itself, which may be a test, several, or
 * bare statements. What the proposal imports or declares itself comes first.
 * @returns `undefined` for code that does not parse
 */
export function proposalFile(
  code: string,
  { remaining, subject, exported }: { remaining: string; subject: string; exported: string[] },
): string | undefined {
  const file = parse(code);
  if (errorsOf(file).length > 0) return undefined;
  const module = subject.replace(/\.ts$/, '');
  const isKnown = (statement: ts.Statement): boolean => {
    if (!ts.isImportDeclaration(statement)) return false;
    const from = ts.isStringLiteral(statement.moduleSpecifier)
      ? statement.moduleSpecifier.text
      : '';
    return RUNNER.test(from) || from.replace(/^.*\//, '').replace(/\.[jt]s$/, '') === module;
  };
  const own = file.statements.filter((statement) => !isKnown(statement));
  const taken = new Set(own.flatMap(declaredBy));
  const helpers = headOf(remaining).filter(
    (statement) => !isKnown(statement) && !declaredBy(statement).some((name) => taken.has(name)),
  );
  for (const name of helpers.flatMap(declaredBy)) taken.add(name);
  const names = exported.filter((name) => !taken.has(name));
  const text = (statements: readonly ts.Statement[]): string =>
    statements.map((statement) => statement.getFullText()).join('\n');
  const body = text(own.filter((statement) => !ts.isImportDeclaration(statement)));
  return [
    `import { ${names.join(', ')} } from './${module}';`,
    text(own.filter((statement) => ts.isImportDeclaration(statement))),
    text(helpers),
    hasTest(file) ? body : `it('the proposal', async () => {\n${body}\n});`,
  ].join('\n');
}

/** The values that a module exports by name. */
export function exportedBy(source: string): string[] {
  return parse(source).statements.flatMap((statement) => {
    if (ts.isExportDeclaration(statement)) {
      const { exportClause, isTypeOnly } = statement;
      return exportClause && ts.isNamedExports(exportClause) && !isTypeOnly
        ? exportClause.elements.map(({ name }) => name.text)
        : [];
    }
    const isExported =
      ts.canHaveModifiers(statement) &&
      ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true;
    const isType = ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement);
    return isExported && !isType ? declaredBy(statement) : [];
  });
}

function hasTest(file: ts.SourceFile): boolean {
  let found = false;
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node) && callIn(node, TEST_CALLS) !== undefined) found = true;
    else if (!found) ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}
