import ts from '@typescript/typescript6';
import { commonJsExports } from './common-js.ts';

export interface Exports {
  /** In the order in which they stand; types are left out. */
  names: string[];
  /** What is a default export called, where it has a name; `true` where it has none. */
  default?: string | true;
}

/** What a module exports as values. */
export function exportsOf(source: string): Exports {
  const exports: Exports = { names: [] };
  const file = parse(source);
  if (!file.statements.some(isModuleStatement)) return commonJsExports(file);
  for (const statement of file.statements) {
    if (ts.isExportAssignment(statement)) exports.default = true;
    if (ts.isExportDeclaration(statement) && !statement.isTypeOnly) {
      const { exportClause } = statement;
      if (exportClause === undefined || !ts.isNamedExports(exportClause)) continue;
      exports.names.push(
        ...exportClause.elements.filter((each) => !each.isTypeOnly).map((each) => each.name.text),
      );
    }
    if (!hasModifier(statement, ts.SyntaxKind.ExportKeyword)) continue;
    if (ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)) {
      const name = statement.name?.text;
      if (hasModifier(statement, ts.SyntaxKind.DefaultKeyword)) exports.default = name ?? true;
      else if (name !== undefined && !exports.names.includes(name)) exports.names.push(name);
    } else if (ts.isVariableStatement(statement)) {
      for (const { name } of statement.declarationList.declarations) {
        if (ts.isIdentifier(name)) exports.names.push(name.text);
      }
    }
  }
  return exports;
}

/** Only a module has imports and exports: all else is CommonJS. */
function isModuleStatement(statement: ts.Statement): boolean {
  return (
    ts.isImportDeclaration(statement) ||
    ts.isExportDeclaration(statement) ||
    ts.isExportAssignment(statement) ||
    hasModifier(statement, ts.SyntaxKind.ExportKeyword)
  );
}

/** A file name without its ending. */
export function stemOf(fileName: string): string {
  return fileName.replace(/\.[cm]?[jt]sx?$/, '');
}

/** The line that imports all of a module: `import { clamp, round } from './clamp';`. */
export function importLine(source: string, stem: string): string {
  const exported = exportsOf(source);
  const name = exported.default === true ? 'subject' : exported.default;
  const named = exported.names.length > 0 ? `{ ${exported.names.join(', ')} }` : undefined;
  const what = [name, named].filter((each) => each !== undefined).join(', ');
  return `import ${what === '' ? '* as subject' : what} from './${stem}';`;
}

/**
 * Brings a test file that misses the module's imports to them: an import from a file that is not there
 * (`./RingBuffer` for `./ring-buffer`), one of a default that the module does not have, or none at all.
 * @param stem the module's file name without its ending
 * @returns `undefined` where nothing was to mend
 */
export function mendImports(
  code: string,
  stem: string,
  exported: readonly string[],
): string | undefined {
  const file = parse(code);
  const broken = file.statements
    .filter(ts.isImportDeclaration)
    .filter((statement) => isBroken(statement, stem, exported));
  const removed = new Set<ts.Node>(broken);
  const bound = namesBoundIn(file, removed);
  const missing = exported.filter((name) => !bound.has(name) && isUsed(file, name, removed));
  if (missing.length === 0) return undefined;
  const rest = file.statements
    .filter((statement) => !removed.has(statement))
    .map((statement) => statement.getFullText(file))
    .join('');
  return `import { ${missing.join(', ')} } from './${stem}';\n${rest}`;
}

/** An import that brings names of the module from where they are not. */
function isBroken(
  { moduleSpecifier, importClause }: ts.ImportDeclaration,
  stem: string,
  exported: readonly string[],
): boolean {
  if (!ts.isStringLiteral(moduleSpecifier) || importClause === undefined) return false;
  const { name, namedBindings } = importClause;
  const named =
    namedBindings !== undefined && ts.isNamedImports(namedBindings) ? namedBindings.elements : [];
  const names = [
    ...(name === undefined ? [] : [name.text]),
    ...named.map((element) => element.name.text),
  ];
  if (names.length === 0 || !names.every((each) => exported.includes(each))) return false;
  const at = moduleSpecifier.text;
  const found = /^\.{0,2}\//.test(at) && stemOf(at.replace(/^.*\//, '')) === stem;
  return name !== undefined || !found;
}

function namesBoundIn(file: ts.SourceFile, removed: ReadonlySet<ts.Node>): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (removed.has(node)) return;
    if (
      (ts.isVariableDeclaration(node) ||
        ts.isParameter(node) ||
        ts.isBindingElement(node) ||
        ts.isFunctionDeclaration(node) ||
        ts.isClassDeclaration(node) ||
        ts.isImportClause(node) ||
        ts.isImportSpecifier(node) ||
        ts.isNamespaceImport(node)) &&
      node.name !== undefined &&
      ts.isIdentifier(node.name)
    ) {
      names.add(node.name.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return names;
}

/** Used as a value of its own: not as a property, a key or a type. */
function isUsed(file: ts.SourceFile, name: string, removed: ReadonlySet<ts.Node>): boolean {
  const visit = (node: ts.Node): boolean => {
    // `import { clamp as limit }` uses nothing by the name clamp.
    if (removed.has(node) || ts.isTypeNode(node) || ts.isImportDeclaration(node)) return false;
    if (ts.isIdentifier(node) && node.text === name) {
      const { parent } = node;
      const isKey =
        (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent)) &&
        parent.name === node;
      return !isKey;
    }
    return ts.forEachChild(node, visit) ?? false;
  };
  return visit(file);
}

function hasModifier(statement: ts.Statement, kind: ts.SyntaxKind): boolean {
  return (
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some((modifier) => modifier.kind === kind) === true
  );
}

function parse(code: string): ts.SourceFile {
  return ts.createSourceFile('module.ts', code, ts.ScriptTarget.ES2022, true);
}
