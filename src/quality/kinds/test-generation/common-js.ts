import ts from '@typescript/typescript6';
import type { Exports } from './imports.ts';

/** What a CommonJS module exports, as far as its top level tells: `module.exports = …`, `exports.name = …`. */
export function commonJsExports(file: ts.SourceFile): Exports {
  const exports: Exports = { names: [] };
  for (const [target, value] of file.statements.flatMap(assignmentsIn)) {
    const name = exportedName(target);
    if (name === undefined) continue;
    if (name === '') Object.assign(exports, wholeOf(value));
    else if (!exports.names.includes(name)) exports.names.push(name);
  }
  const told = exports.names.length > 0 || exports.default !== undefined;
  // Deeper down, as where a wrapper chooses between kinds of modules.
  return told || !/\bmodule\.exports\s*=/.test(file.text) ? exports : { names: [], default: true };
}

/** `exports = module.exports = value` is two assignments of the same value. */
function assignmentsIn(statement: ts.Statement): [ts.Expression, ts.Expression][] {
  if (!ts.isExpressionStatement(statement)) return [];
  const targets: ts.Expression[] = [];
  let value = statement.expression;
  while (ts.isBinaryExpression(value) && value.operatorToken.kind === ts.SyntaxKind.EqualsToken) {
    targets.push(value.left);
    value = value.right;
  }
  return targets.map((target) => [target, value]);
}

/** `''` of `module.exports`, `name` of `exports.name` and `module.exports.name`. */
function exportedName(target: ts.Expression): string | undefined {
  if (!ts.isPropertyAccessExpression(target)) return undefined;
  const { expression, name } = target;
  if (ts.isIdentifier(expression)) {
    if (expression.text === 'module' && name.text === 'exports') return '';
    return expression.text === 'exports' ? name.text : undefined;
  }
  return exportedName(expression) === '' ? name.text : undefined;
}

function wholeOf(value: ts.Expression): Partial<Exports> {
  if (ts.isObjectLiteralExpression(value)) {
    return {
      names: value.properties.flatMap(({ name }) =>
        name && ts.isIdentifier(name) ? [name.text] : [],
      ),
    };
  }
  if (ts.isIdentifier(value)) return { default: value.text };
  const named = ts.isFunctionExpression(value) || ts.isClassExpression(value);
  return { default: (named ? value.name?.text : undefined) ?? true };
}
