import ts from '@typescript/typescript6';

/** Operators that decide whether what follows is evaluated. */
const DECIDING = new Set([
  ts.SyntaxKind.AmpersandAmpersandToken,
  ts.SyntaxKind.BarBarToken,
  ts.SyntaxKind.QuestionQuestionToken,
  ts.SyntaxKind.AmpersandAmpersandEqualsToken,
  ts.SyntaxKind.BarBarEqualsToken,
  ts.SyntaxKind.QuestionQuestionEqualsToken,
]);

/**
 * The greatest cyclomatic complexity (McCabe) among the functions of a source. A callback is part of the function that
 * it is written in: its branches are read there.
 */
export function greatestComplexity(source: string): number {
  const file = ts.createSourceFile('subject.ts', source, ts.ScriptTarget.ES2022, true);
  let greatest = 0;
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node)) greatest = Math.max(greatest, 1 + decisionsIn(node));
    ts.forEachChild(node, visit);
  };
  visit(file);
  return greatest;
}

/** How many decisions are taken within a piece of code. */
export function decisionsIn(node: ts.Node): number {
  let decisions = 0;
  ts.forEachChild(node, (child) => {
    decisions += (decides(child) ? 1 : 0) + decisionsIn(child);
  });
  return decisions;
}

function decides(node: ts.Node): boolean {
  return (
    ts.isIfStatement(node) ||
    ts.isConditionalExpression(node) ||
    ts.isCaseClause(node) ||
    ts.isCatchClause(node) ||
    ts.isIterationStatement(node, false) ||
    (ts.isBinaryExpression(node) && DECIDING.has(node.operatorToken.kind))
  );
}
