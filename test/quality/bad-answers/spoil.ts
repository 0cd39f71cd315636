import ts from '@typescript/typescript6';

/** One `expect(value).….matcher(…)` that stands as a statement of its own, or is returned. */
export interface Expectation {
  /** Its place among the expectations of the file, from 0. */
  index: number;
  /** The text of what is expected something of. */
  value: string;
  /** It calls the value, as `toThrow` does. */
  called: boolean;
  /** It is awaited, or its value is. */
  awaited: boolean;
  /** The statement as it stood. */
  text: string;
}

/** Rewrites each expectation of a test file; everything else stays as it is. */
export function replaceExpectations(
  source: string,
  replacement: (expectation: Expectation) => string,
): string {
  const file = ts.createSourceFile('x.test.ts', source, ts.ScriptTarget.ES2022, true);
  const edits: { start: number; end: number; text: string }[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isExpressionStatement(node)) {
      const found = expectationIn(node, edits.length, source);
      if (found) {
        edits.push({ start: node.getStart(), end: node.end, text: replacement(found) });
        return;
      }
    }
    if (ts.isReturnStatement(node) && node.expression !== undefined) {
      const found = expectationIn(node.expression, edits.length, source);
      if (found) {
        edits.push({ start: node.getStart(), end: node.end, text: replacement(found) });
        return;
      }
    }
    // `(row) => expect(…)…`: an expression body becomes a block.
    if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) {
      const found = expectationIn(node.body, edits.length, source);
      if (found) {
        const text = `{ ${replacement(found)} }`;
        edits.push({ start: node.body.getStart(), end: node.body.end, text });
        return;
      }
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return edits
    .toReversed()
    .reduce((text, edit) => text.slice(0, edit.start) + edit.text + text.slice(edit.end), source);
}

function expectationIn(node: ts.Node, index: number, source: string): Expectation | undefined {
  const text = source.slice(node.getStart(), node.end);
  let inner: ts.Node = ts.isExpressionStatement(node) ? node.expression : node;
  const awaited = ts.isAwaitExpression(inner);
  if (ts.isAwaitExpression(inner)) inner = inner.expression;
  if (!ts.isCallExpression(inner)) return undefined;
  const matcher = inner.expression;
  let root: ts.Node = matcher;
  while (ts.isPropertyAccessExpression(root) || ts.isCallExpression(root)) {
    if (ts.isCallExpression(root) && ts.isIdentifier(root.expression)) {
      const [value] = root.arguments;
      if (root.expression.text !== 'expect' || value === undefined) return undefined;
      const awaits = /\bawait\b/.test(value.getText());
      return {
        index,
        value: source.slice(value.getStart(), value.end),
        called:
          !awaited &&
          !awaits &&
          ts.isPropertyAccessExpression(matcher) &&
          matcher.name.text.startsWith('toThrow'),
        awaited: awaited || awaits,
        text,
      };
    }
    root = root.expression;
  }
  return undefined;
}
