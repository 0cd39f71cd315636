import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { scoreParts } from '../../../../src/quality/kinds/test-generation/grade.ts';
import type {
  MutantEvidence,
  TestGenerationEvidence,
} from '../../../../src/quality/kinds/test-generation/evidence.ts';
import { evidence, mutant, test } from './evidence.ts';

const NO_CLASSES = { seen: [], expected: [] };
/** Of 12 statements and branches that the reference covers, all are run. */
const checking = (checked: number): Partial<TestGenerationEvidence> => ({
  statements: { covered: 8, checked: Math.min(checked, 8), total: 10, reference: 8 },
  branches: { covered: 4, checked: Math.max(0, checked - 8), total: 4, reference: 4 },
});

describe('coverage', () => {
  it.each([
    { checked: 12, linear: 40, plan: 40 },
    { checked: 11, linear: 36.667, plan: 40 },
    { checked: 10, linear: 33.333, plan: 30 },
    { checked: 9, linear: 30, plan: 20 },
    { checked: 8, linear: 26.667, plan: 0 },
    { checked: 0, linear: 0, plan: 0 },
  ])('$checked of 12 earn $linear, or $plan by steps', ({ checked, linear, plan }) => {
    expect(scoreParts(evidence(checking(checked))).coverage).toBe(linear);
    expect(scoreParts(evidence({ ...checking(checked), rubric: 'plan' })).coverage).toBe(plan);
  });

  it('reaches each step of the plan exactly', () => {
    const at = (checked: number) =>
      scoreParts(
        evidence({
          rubric: 'plan',
          statements: { covered: 10, checked, total: 10, reference: 10 },
          branches: { covered: 0, checked: 0, total: 0, reference: 0 },
        }),
      ).coverage;
    expect([9, 8, 7, 6].map(at)).toEqual([40, 30, 20, 0]);
  });

  it('is at most all of it where an answer checks more than the reference', () => {
    const more = {
      statements: { covered: 10, checked: 10, total: 10, reference: 8 },
      branches: { covered: 4, checked: 4, total: 4, reference: 2 },
    };
    expect(scoreParts(evidence(more)).coverage).toBe(40);
  });

  it('is nothing where the reference covers nothing', () => {
    const nothing = { covered: 0, checked: 0, total: 0, reference: 0 };
    expect(scoreParts(evidence({ statements: nothing, branches: nothing })).coverage).toBe(0);
  });
});

describe('edge cases', () => {
  const boundary = [mutant('a', 'killed', true), mutant('b', 'survived', true)];

  it('are half boundary mutants, half boundary values', () => {
    const seen = { seen: ['zero' as const], expected: ['zero' as const, 'null' as const] };
    expect(scoreParts(evidence({ mutants: boundary })).edgeCases).toBe(22.5);
    expect(scoreParts(evidence({ boundaryClasses: seen })).edgeCases).toBe(22.5);
    expect(scoreParts(evidence({ mutants: boundary, boundaryClasses: seen })).edgeCases).toBe(15);
  });

  it('are all mutants where no boundary value is expected', () => {
    const parts = scoreParts(evidence({ mutants: boundary, boundaryClasses: NO_CLASSES }));
    expect(parts.edgeCases).toBe(15);
  });

  it('are all values where no mutant is at a boundary', () => {
    const mutants = [mutant('a', 'killed')];
    expect(scoreParts(evidence({ mutants })).edgeCases).toBe(30);
    const boundaryClasses = { seen: [], expected: ['zero' as const] };
    expect(scoreParts(evidence({ mutants, boundaryClasses })).edgeCases).toBe(0);
  });

  it('are nothing where there are neither', () => {
    const mutants = [mutant('a', 'killed')];
    expect(scoreParts(evidence({ mutants, boundaryClasses: NO_CLASSES })).edgeCases).toBe(0);
  });

  it('count no values that the task does not expect', () => {
    const boundaryClasses = { seen: ['max' as const], expected: ['zero' as const] };
    expect(scoreParts(evidence({ boundaryClasses })).edgeCases).toBe(15);
  });

  it('count a mutant on which the tests hang as killed', () => {
    const mutants = [mutant('a', 'timeout', true), mutant('b', 'no-coverage', true)];
    expect(scoreParts(evidence({ mutants })).edgeCases).toBe(22.5);
  });
});

describe('correctness', () => {
  const of = (changes: Partial<TestGenerationEvidence>) =>
    scoreParts(evidence(changes)).correctness;

  it('is 5 for syntax, 5 for types, 20 for tests that pass', () => {
    expect(of({})).toBe(30);
    expect(of({ typeErrors: ['1:1 no'] })).toBe(25);
    expect(of({ tests: [test('a'), test('b', 'failed')] })).toBe(20);
    expect(of({ tests: [test('a'), test('b', 'flaky'), test('c', 'timeout')] })).toBe(16.667);
  });

  it('gives a salvaged answer no points of syntax', () => {
    const extraction = { source: 'fence' as const, blocks: 1, salvaged: { kept: 2, total: 3 } };
    expect(of({ parses: false, extraction })).toBe(20);
  });

  it('gives tests that kill nothing no points of logic', () => {
    expect(of({ mutants: [mutant('a', 'survived')] })).toBe(10);
    expect(of({ mutants: [] })).toBe(10);
    expect(of({ mutants: [mutant('a', 'timeout')] })).toBe(30);
  });

  it('leaves out vacuous tests, and gives nothing for vacuous tests alone', () => {
    expect(of({ tests: [test('a'), test('b', 'vacuous')] })).toBe(30);
    expect(of({ tests: [test('a', 'failed'), test('b', 'vacuous'), test('c')] })).toBe(20);
    expect(of({ tests: [test('a', 'vacuous')] })).toBe(10);
  });

  it('leaves out skipped tests, and gives nothing for skipped tests alone', () => {
    expect(of({ tests: [test('a'), test('b', 'skipped')] })).toBe(30);
    expect(of({ tests: [test('a', 'skipped')] })).toBe(10);
    expect(of({ tests: [] })).toBe(10);
  });
});

it('stays within its bounds, and only gains by a mutant more', () => {
  const states = fc.constantFrom<MutantEvidence['state']>(
    'killed',
    'survived',
    'no-coverage',
    'timeout',
  );
  const mutants = fc.array(
    fc.record({ state: states, boundary: fc.boolean() }).map(({ state, boundary }) => {
      return mutant('m', state, boundary);
    }),
  );
  const count = fc.nat({ max: 20 });
  const coverage = fc.record({ covered: count, checked: count, total: count, reference: count });
  fc.assert(
    fc.property(
      mutants,
      coverage,
      coverage,
      fc.constantFrom('linear' as const, 'plan' as const),
      (found, statements, branches, rubric) => {
        const given = evidence({ mutants: found, statements, branches, rubric });
        const parts = scoreParts(given);
        for (const [part, most] of [
          [parts.coverage, 40],
          [parts.edgeCases, 30],
          [parts.correctness, 30],
        ] as const) {
          expect(part).toBeGreaterThanOrEqual(0);
          expect(part).toBeLessThanOrEqual(most);
        }
        const killed = found.map((each) => ({ ...each, state: 'killed' as const }));
        const better = scoreParts({ ...given, mutants: killed });
        expect(better.edgeCases).toBeGreaterThanOrEqual(parts.edgeCases);
        expect(better.correctness).toBeGreaterThanOrEqual(parts.correctness);
      },
    ),
  );
});
