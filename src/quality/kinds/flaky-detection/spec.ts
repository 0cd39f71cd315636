import ts from '@typescript/typescript6';
import { callIn, parse, SUITE_CALLS, TEST_CALLS, bodyOf } from '../../extraction.ts';

/** A test statement of a file. */
export interface TestStatement {
  title: string;
  statement: ts.Statement;
  /** The statements among which it stands: the file's own, or those of its `describe`. */
  siblings: ts.NodeArray<ts.Statement>;
}

/** The title in a call's first argument. */
function titleOf(call: ts.CallExpression): string | undefined {
  const [first] = call.arguments;
  return first !== undefined && ts.isStringLiteralLike(first) ? first.text : undefined;
}

/** The tests of a file, in the order of its text. */
export function testsOf(file: ts.SourceFile): TestStatement[] {
  const collect = (siblings: ts.NodeArray<ts.Statement>): TestStatement[] =>
    siblings.flatMap((statement) => {
      const test = callIn(statement, TEST_CALLS);
      const title = test === undefined ? undefined : titleOf(test);
      if (title !== undefined) return [{ title, statement, siblings }];
      const suite = callIn(statement, SUITE_CALLS);
      const body = suite === undefined ? undefined : bodyOf(suite);
      return body === undefined ? [] : collect(body.statements);
    });
  return collect(file.statements);
}

export function titlesIn(source: string): string[] {
  return testsOf(parse(source)).map(({ title }) => title);
}

/** A change of a text: what stands from `start` to `end` becomes `text`. */
export interface Edit {
  start: number;
  end: number;
  text: string;
}

export function edited(source: string, edits: readonly Edit[]): string {
  let text = source;
  for (const { start, end, text: inserted } of [...edits].sort((a, b) => b.start - a.start)) {
    text = text.slice(0, start) + inserted + text.slice(end);
  }
  return text;
}

/** The spec with a comment before each test that gives its number. */
export function numbered(source: string): string {
  const file = parse(source);
  const edits = testsOf(file).map(({ statement }, index): Edit => {
    const start = statement.getStart(file);
    const indent = /[ \t]*$/.exec(source.slice(0, start))?.[0] ?? '';
    return { start, end: start, text: `// test ${index + 1}\n${indent}` };
  });
  return edited(source, edits);
}

/** `expect(value)…` or `await expect(value)…` as a statement. */
function assertionIn(
  node: ts.Node,
): { value: ts.Expression | undefined; awaits: boolean } | undefined {
  if (!ts.isExpressionStatement(node)) return undefined;
  const awaits = ts.isAwaitExpression(node.expression);
  let inner: ts.Expression = ts.isAwaitExpression(node.expression)
    ? node.expression.expression
    : node.expression;
  let value: ts.Expression | undefined;
  for (;;) {
    if (ts.isCallExpression(inner)) {
      [value] = inner.arguments;
      inner = inner.expression;
    } else if (ts.isPropertyAccessExpression(inner)) inner = inner.expression;
    else break;
  }
  return ts.isIdentifier(inner) && inner.text === 'expect' ? { value, awaits } : undefined;
}

/** The spec with every assertion of some tests emptied: they still compute what they looked at, and see nothing. */
export function hollow(source: string, titles: ReadonlySet<string>): string {
  const file = parse(source);
  const edits: Edit[] = [];
  const visit = (node: ts.Node): void => {
    const assertion = assertionIn(node);
    if (assertion === undefined) {
      ts.forEachChild(node, visit);
      return;
    }
    const value = assertion.value?.getText(file) ?? 'undefined';
    const computed = assertion.awaits
      ? `await Promise.resolve(${value}).catch(() => undefined);`
      : `void (${value});`;
    const text = `${computed} expect(true).toBe(true);`;
    edits.push({ start: node.getStart(file), end: node.end, text });
  };
  for (const { title, statement } of testsOf(file)) {
    if (titles.has(title)) visit(statement);
  }
  return edited(source, edits);
}
