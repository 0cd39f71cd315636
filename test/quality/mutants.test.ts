import { describe, expect, it } from 'vitest';
import type { Mutant } from '../../src/quality/execution/execution.ts';
import { isBoundaryMutant } from '../../src/quality/mutants.ts';

function mutant(mutator: string, original: string, replacement: string): Mutant {
  return { id: 'x', mutator, line: 1, original, replacement };
}

describe('isBoundaryMutant', () => {
  it.each([
    ['EqualityOperator', 'a < b', 'a <= b'],
    ['EqualityOperator', 'xs.length >= limit', 'xs.length < limit'],
    ['EqualityOperator', "name === '=>' ? x : y > 0", "name === '=>' ? x : y >= 0"],
    ['EqualityOperator', 'value === null', 'value !== null'],
    ['EqualityOperator', 'value !== undefined', 'value === undefined'],
    ['ArithmeticOperator', 'n + 1', 'n - 1'],
    ['ArithmeticOperator', '1 - n', '1 + n'],
    ['AssignmentOperator', 'n += 1', 'n -= 1'],
    ['UpdateOperator', 'i++', 'i--'],
    ['UnaryOperator', '-1', '+1'],
    ['StringLiteral', "'text'", '""'],
    ['StringLiteral', '`a ${b}`', '``'],
    ['ArrayDeclaration', '[1, 2]', '[]'],
    ['ObjectLiteral', '{ a: 1 }', '{}'],
    ['OptionalChaining', 'a?.b', 'a.b'],
    ['LogicalOperator', 'a ?? b', 'a && b'],
  ])('%s: %s to %s is at an edge', (...change) => {
    expect(isBoundaryMutant(mutant(...change))).toBe(true);
  });

  it.each([
    ['EqualityOperator', "kind === 'x'", "kind !== 'x'"],
    ['EqualityOperator', 'nullable === a', 'nullable !== a'],
    ['ArithmeticOperator', 'n + 10', 'n - 10'],
    ['ArithmeticOperator', 'a * b', 'a / b'],
    ['AssignmentOperator', 'n += step', 'n -= step'],
    ['UnaryOperator', '~bits', 'bits'],
    ['StringLiteral', '""', '"Stryker was here!"'],
    ['ArrayDeclaration', '[]', '["Stryker was here"]'],
    ['LogicalOperator', 'a && b', 'a || b'],
    ['ConditionalExpression', 'a < b', 'true'],
    ['BlockStatement', '{ x(); }', '{}'],
    ['BooleanLiteral', 'true', 'false'],
  ])('%s: %s to %s is not', (...change) => {
    expect(isBoundaryMutant(mutant(...change))).toBe(false);
  });
});
