import ts from '@typescript/typescript6';
import { isBuiltin } from 'node:module';
import { SUITE_CALLS, TEST_CALLS } from '../../extraction.ts';
import { ADAPTERS, type TEXTS } from './adapters.ts';
import type { Import, Module } from './module.ts';

/** What a test file imports, seen from one module: by which names it has the module's exports. */
export interface Target {
  /** The module under test, and its file name without ending in the task. */
  module: Module;
  stem: string;
  /** Where an import of a test file leads: the file that a name comes from in the end, and its name there. */
  origin: (
    each: Import,
    from: string,
    imported: string,
  ) => { file: string; name: string } | undefined;
  /** Exports that the task has; all where it is missing. */
  offered?: readonly string[] | undefined;
}

const RUNNERS = new Set(['vitest', 'vitest/globals', '@jest/globals', 'mocha', 'jasmine']);
/** Their default export is a test function, whatever it is called. */
export const LIBRARIES_OF_TESTS = new Set(['tape', 'tap', 'ava', 'node:test']);
/** A change of a text. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

/** What becomes of an import of a test file. */
interface Change {
  edits: Edit[];
  imports: string[];
  needs: readonly (keyof typeof TEXTS)[];
  missing: [local: string, reason: string][];
}

export function changeOf(each: Import, target: Target, file: Module): Change {
  const { specifier, node, bindings, kind } = each;
  const none: Change = { edits: [], imports: [], needs: [], missing: [] };
  const adapter = Object.hasOwn(ADAPTERS, specifier) ? ADAPTERS[specifier] : undefined;
  const range = { start: node.getStart(file.ast), end: node.getEnd() };
  const hoisted = (text: string): Change => ({
    ...none,
    edits: [{ ...range, text: '' }],
    imports: [text],
  });
  if (adapter !== undefined) {
    const { expression, needs } = adapter;
    if (kind !== 'import') return { ...none, edits: [{ ...range, text: expression }], needs };
    const text = bindings
      .map(({ local, imported }) =>
        imported === 'default' || imported === '*'
          ? `const ${local} = ${expression};`
          : `const { ${imported === local ? local : `${imported}: ${local}`} } = ${expression};`,
      )
      .join('\n');
    return { ...none, edits: [{ ...range, text }], needs };
  }
  if (RUNNERS.has(specifier)) {
    if (kind === 'require')
      return {
        ...none,
        edits:
          specifier === 'mocha' || specifier === 'jasmine'
            ? [{ ...range, text: "require('vitest')" }]
            : [],
      };
    return hoisted(node.getText(file.ast).replace(/(['"])(?:mocha|jasmine)\1/, "'vitest'"));
  }
  if (isBuiltin(specifier)) return kind === 'import' ? hoisted(node.getText(file.ast)) : none;
  const asked = bindings.length > 0 ? bindings : [{ local: '', imported: '*' }];
  const found = asked.map((binding) => ({
    ...binding,
    ...target.origin(each, file.file, binding.imported),
  }));
  const isHere = ({ file: from, name }: (typeof found)[number]): boolean =>
    from === target.module.file && (target.offered?.includes(name ?? '') ?? true);
  const here = found.filter(isHere);
  const missing = found
    .filter((binding) => !isHere(binding) && binding.local !== '')
    .map(({ local, file: from, name }): [string, string] => [
      local,
      from === target.module.file ? `${name}, which is another task’s` : specifier,
    ]);
  if (here.length === 0) {
    const gone = kind === 'require' ? withoutRequire(node, range) : { ...range, text: '' };
    return { ...none, edits: [gone], missing: bindings.length > 0 ? missing : [] };
  }
  // An export that is all of a module in itself: `require('..').parse` of what is `./parse` here.
  const isWhole = ({ imported, name }: (typeof found)[number]): boolean =>
    name === '*' && imported !== '*';
  if (kind === 'require') {
    const all = `require('./${target.stem}')`;
    const members = here.filter(isWhole).map(({ imported }) => `${imported}: ${all}`);
    const text = members.length === 0 ? all : `{ ${members.join(', ')} }`;
    return { ...none, edits: [{ ...range, text }], missing };
  }
  const named = here.filter(({ name }) => name !== 'default' && name !== '*');
  const clauses = [
    ...here
      .filter((binding) => binding.name === 'default' || isWhole(binding))
      .map(({ local }) => local),
    ...here
      .filter((binding) => binding.name === '*' && !isWhole(binding))
      .map(({ local }) => `* as ${local}`),
    ...(named.length === 0
      ? []
      : [
          `{ ${named.map(({ local, name }) => (local === name ? local : `${name} as ${local}`)).join(', ')} }`,
        ]),
  ];
  return { ...hoisted(`import ${clauses.join(', ')} from './${target.stem}';`), missing };
}

/** Takes the declaration out that a `require` stands alone in. */
function withoutRequire(node: ts.Node, range: { start: number; end: number }): Edit {
  for (let outer = node.parent; !ts.isSourceFile(outer); outer = outer.parent) {
    const alone = ts.isVariableStatement(outer) && outer.declarationList.declarations.length === 1;
    if (alone || (ts.isExpressionStatement(outer) && outer.expression === node)) {
      return { start: outer.getStart(), end: outer.getEnd(), text: '' };
    }
    if (ts.isStatement(outer)) break;
  }
  return { ...range, text: '{}' };
}

/** Tests are told by their names: what a library's test function is called otherwise becomes `test`. */
export function renamed(
  each: Import,
  file: Module,
  declared: ReadonlySet<string>,
): { each: Import; edits: Edit[] } {
  const binding = each.bindings.find(({ imported }) => imported === 'default' || imported === '*');
  const old = binding?.local;
  const isTest = LIBRARIES_OF_TESTS.has(each.specifier) && !declared.has('test');
  if (!isTest || old === undefined || TEST_CALLS.has(old) || SUITE_CALLS.has(old)) {
    return { each, edits: [] };
  }
  const edits: Edit[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isImportDeclaration(node)) return;
    if (ts.isIdentifier(node) && node.text === old && !isKey(node)) {
      edits.push({ start: node.getStart(file.ast), end: node.getEnd(), text: 'test' });
    }
    ts.forEachChild(node, visit);
  };
  visit(file.ast);
  const bindings = each.bindings.map((other) =>
    other === binding ? { ...other, local: 'test' } : other,
  );
  return { each: { ...each, bindings }, edits };
}

/** A name that belongs to an object, not to the scope. */
function isKey(node: ts.Identifier): boolean {
  const { parent } = node;
  return (
    (ts.isPropertyAccessExpression(parent) || ts.isPropertyAssignment(parent)) &&
    parent.name === node
  );
}
