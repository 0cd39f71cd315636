import type { Mutant, MutantOutcome } from './execution/execution.ts';

/** Whether tests noticed a mutant. One on which they hang is detected, as in Stryker. */
export function isDetected({ state }: Pick<MutantOutcome, 'state'>): boolean {
  return state === 'killed' || state === 'timeout';
}

const RELATIONAL = new Set(['<', '<=', '>', '>=']);
const NULLISH = /(?:^|[^\w$.])(?:null|undefined)(?:[^\w$]|$)/;
const STEP_OF_ONE = /(?:[+-]=?\s*1n?$)|(?:^1n?\s*[+-])/;

/** The comparison operators of a piece of code, in order. */
function comparisons(code: string): string[] {
  return code.match(/=>|[<>]{2,3}|[!=]==?|[<>]=?/g) ?? [];
}

/** The comparison that a mutant changes. */
function changedComparison(mutant: Mutant): string | undefined {
  const before = comparisons(mutant.original);
  const after = comparisons(mutant.replacement);
  return before.find((operator, index) => operator !== after[index]);
}

/**
 * Whether a mutant changes what happens at an edge, so that killing it takes a test at that edge:
 * - a relational comparison (`<`, `<=`, `>`, `>=`) replaced by another, or a comparison with `null` or `undefined`
 *   turned round;
 * - a step of one: `+ 1` and `- 1`, `+= 1` and `-= 1`, `++` and `--`, and a changed sign;
 * - a string, array or object emptied;
 * - optional chaining removed, or `??` replaced.
 */
export function isBoundaryMutant(mutant: Mutant): boolean {
  const { mutator, original, replacement } = mutant;
  switch (mutator) {
    case 'EqualityOperator':
      return RELATIONAL.has(changedComparison(mutant) ?? '') || NULLISH.test(original);
    case 'ArithmeticOperator':
    case 'AssignmentOperator':
      return STEP_OF_ONE.test(original.trim());
    case 'UpdateOperator':
    case 'OptionalChaining':
      return true;
    case 'UnaryOperator':
      return /^[+-]/.test(original);
    case 'StringLiteral':
      return /^(["'`])\1$/.test(replacement);
    case 'ArrayDeclaration':
      return /^(?:\[\]|new Array\(\)|Array\(\))$/.test(replacement);
    case 'ObjectLiteral':
      return replacement === '{}';
    case 'LogicalOperator':
      return original.split('??').length !== replacement.split('??').length;
    default:
      return false;
  }
}
