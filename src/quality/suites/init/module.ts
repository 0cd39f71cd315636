import ts from '@typescript/typescript6';
import { isBuiltin } from 'node:module';
import path from 'node:path';
import { errorsOf } from '../../extraction.ts';
import { exportsOf, type Exports } from '../../kinds/test-generation/imports.ts';

/** A name that an import brings: `imported` is `default`, `*` or a name; of CommonJS `*` is all of it. */
export interface Binding {
  local: string;
  imported: string;
}

/** An `import`, a `require` or an `export … from` that does something at run time. */
export interface Import {
  specifier: string;
  kind: 'import' | 'require' | 'export';
  /** The statement, or the call of `require`. */
  node: ts.Node;
  bindings: Binding[];
}

export interface Module {
  file: string;
  text: string;
  ast: ts.SourceFile;
  format: 'module' | 'commonjs';
  imports: Import[];
  exports: Exports;
}

/** @returns why it cannot be read, for the user */
export function parseModule(file: string, text: string): Module | string {
  if (/\.[jt]sx$/.test(file)) return 'JSX is not supported';
  const kind = file.endsWith('ts') ? ts.ScriptKind.TS : ts.ScriptKind.JS;
  const ast = ts.createSourceFile(path.basename(file), text, ts.ScriptTarget.ES2022, true, kind);
  if (errorsOf(ast).length > 0) return 'does not parse';
  return {
    file,
    text,
    ast,
    format: ast.statements.some(isModuleStatement) ? 'module' : 'commonjs',
    imports: importsIn(ast),
    exports: exportsOf(text),
  };
}

export function isModuleStatement(statement: ts.Statement): boolean {
  return (
    ts.isImportDeclaration(statement) ||
    ts.isExportDeclaration(statement) ||
    ts.isExportAssignment(statement) ||
    isExported(statement)
  );
}

export function isExported(statement: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(statement) &&
    ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) === true
  );
}

function importsIn(ast: ts.SourceFile): Import[] {
  const imports: Import[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node) && ts.isStringLiteral(node.moduleSpecifier)) {
      const bindings = bindingsOf(node);
      if (bindings === undefined) return;
      imports.push({ specifier: node.moduleSpecifier.text, kind: 'import', node, bindings });
    } else if (
      ts.isExportDeclaration(node) &&
      node.moduleSpecifier !== undefined &&
      !node.isTypeOnly
    ) {
      const specifier = node.moduleSpecifier.getText(ast).slice(1, -1);
      imports.push({ specifier, kind: 'export', node, bindings: [] });
    } else {
      if (isRequire(node)) {
        const bindings = requiredAs(node);
        imports.push({ specifier: node.arguments[0].text, kind: 'require', node, bindings });
      }
      ts.forEachChild(node, visit);
    }
  };
  visit(ast);
  return imports;
}

/** `undefined` where only types are imported. */
function bindingsOf({ importClause }: ts.ImportDeclaration): Binding[] | undefined {
  if (importClause === undefined) return [];
  const { name, namedBindings } = importClause;
  if (importClause.isTypeOnly) return undefined;
  const bindings: Binding[] = name === undefined ? [] : [{ local: name.text, imported: 'default' }];
  if (namedBindings === undefined) return bindings;
  if (ts.isNamespaceImport(namedBindings)) {
    return [...bindings, { local: namedBindings.name.text, imported: '*' }];
  }
  const values = namedBindings.elements.filter((element) => !element.isTypeOnly);
  if (values.length === 0 && namedBindings.elements.length > 0 && name === undefined)
    return undefined;
  return [
    ...bindings,
    ...values.map((element) => ({
      local: element.name.text,
      imported: (element.propertyName ?? element.name).text,
    })),
  ];
}

type RequireCall = ts.CallExpression & { arguments: readonly [ts.StringLiteral] };

function isRequire(node: ts.Node): node is RequireCall {
  return (
    ts.isCallExpression(node) &&
    ts.isIdentifier(node.expression) &&
    node.expression.text === 'require' &&
    node.arguments.length === 1 &&
    node.arguments[0] !== undefined &&
    ts.isStringLiteral(node.arguments[0])
  );
}

/** `const x = require('y')`, `const { a: b } = require('y')`, `const x = require('y').z`. */
function requiredAs(call: ts.CallExpression): Binding[] {
  const { parent } = call;
  const member = ts.isPropertyAccessExpression(parent) ? parent.name.text : undefined;
  const declaration = member === undefined ? parent : parent.parent;
  if (!ts.isVariableDeclaration(declaration)) return [];
  const { name } = declaration;
  if (ts.isIdentifier(name)) return [{ local: name.text, imported: member ?? '*' }];
  if (member !== undefined || !ts.isObjectBindingPattern(name)) return [];
  return name.elements.flatMap((element) =>
    ts.isIdentifier(element.name)
      ? [{ local: element.name.text, imported: (element.propertyName ?? element.name).getText() }]
      : [],
  );
}

/** Modules of Node that compute and touch nothing. */
const HARMLESS = new Set(
  'assert assert/strict buffer crypto events path path/posix path/win32 punycode querystring stream string_decoder timers timers/promises url util util/types zlib async_hooks perf_hooks'.split(
    ' ',
  ),
);
/** Globals that reach outside, and what to say of them. */
const OUTSIDE: Readonly<Record<string, string>> = {
  fetch: 'the network',
  XMLHttpRequest: 'the network',
  WebSocket: 'the network',
  EventSource: 'the network',
  document: 'a browser',
  window: 'a browser',
  localStorage: 'a browser',
  sessionStorage: 'a browser',
  navigator: 'a browser',
  process: 'the process',
  __dirname: 'the file system',
  __filename: 'the file system',
  Deno: 'Deno',
  Bun: 'Bun',
};

/** Why a module is no function of what it is given: one reason each. Time and chance are none: tests can hold them. */
export function impurities(module: Module): string[] {
  const reasons = new Set<string>();
  const declared = declaredIn(module.ast);
  for (const { specifier } of module.imports) {
    const name = specifier.replace(/^node:/, '');
    if (isBuiltin(specifier) && !HARMLESS.has(name)) reasons.add(`imports ${specifier}`);
  }
  const visit = (node: ts.Node): void => {
    if (ts.isTypeNode(node)) return;
    if (ts.isIdentifier(node) && isOutside(node) && !declared.has(node.text)) {
      if (!isHarmlessProcess(node)) reasons.add(`uses ${node.text}: ${OUTSIDE[node.text]}`);
    }
    if (ts.isMetaProperty(node)) reasons.add('uses import.meta');
    if (ts.isAwaitExpression(node) && isTopLevel(node)) reasons.add('awaits at the top level');
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      reasons.add('imports while it runs');
    }
    ts.forEachChild(node, visit);
  };
  visit(module.ast);
  return [...reasons];
}

/** A name that stands for itself, and not in a guard: `typeof window` asks whether it is there. */
function isOutside(node: ts.Identifier): boolean {
  const { parent } = node;
  if (!Object.hasOwn(OUTSIDE, node.text)) return false;
  if (ts.isPropertyAccessExpression(parent) && parent.name === node) return false;
  if ((ts.isPropertyAssignment(parent) || ts.isMethodDeclaration(parent)) && parent.name === node)
    return false;
  return !ts.isTypeOfExpression(parent);
}

/** Every name that is declared anywhere in a file. */
export function declaredIn(ast: ts.SourceFile): Set<string> {
  const names = new Set<string>();
  const visit = (node: ts.Node): void => {
    if (
      'name' in node &&
      isDeclaration(node) &&
      node.name !== undefined &&
      ts.isIdentifier(node.name)
    ) {
      names.add(node.name.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ast);
  return names;
}

type Declaration = ts.Node & { name?: ts.Node };

function isDeclaration(node: ts.Node): node is Declaration {
  return (
    ts.isVariableDeclaration(node) ||
    ts.isParameter(node) ||
    ts.isBindingElement(node) ||
    ts.isFunctionDeclaration(node) ||
    ts.isFunctionExpression(node) ||
    ts.isClassDeclaration(node) ||
    ts.isEnumDeclaration(node) ||
    ts.isModuleDeclaration(node) ||
    ts.isImportClause(node) ||
    ts.isImportSpecifier(node) ||
    ts.isNamespaceImport(node) ||
    ts.isInterfaceDeclaration(node) ||
    ts.isTypeAliasDeclaration(node)
  );
}

/** The tests’ stand-in has these. */
function isHarmlessProcess({ parent }: ts.Identifier): boolean {
  return (
    ts.isPropertyAccessExpression(parent) &&
    (/^(?:nextTick|hrtime|emitWarning|platform|version|versions)$/.test(parent.name.text) ||
      parent.parent.getText() === 'process.env.NODE_ENV')
  );
}

function isTopLevel(node: ts.Node): boolean {
  for (let outer = node.parent; !ts.isSourceFile(outer); outer = outer.parent) {
    if (ts.isFunctionLike(outer)) return false;
  }
  return true;
}
