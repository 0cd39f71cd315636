import type {
  MutantEvidence,
  TestEvidence,
  TestGenerationEvidence,
} from '../../../../src/quality/kinds/test-generation/evidence.ts';

export function mutant(id: string, state: MutantEvidence['state'], boundary = false) {
  return {
    id,
    mutator: 'EqualityOperator',
    line: 1,
    original: 'a < b',
    replacement: 'a <= b',
    boundary,
    state,
  };
}

export function test(name: string, state: TestEvidence['state'] = 'passed'): TestEvidence {
  return { name, state };
}

/** What a perfect answer leaves behind, with changes. */
export function evidence(changes: Partial<TestGenerationEvidence> = {}): TestGenerationEvidence {
  return {
    rubric: 'linear',
    extraction: { source: 'fence', blocks: 1 },
    truncated: false,
    looped: false,
    parses: true,
    typeErrors: [],
    tests: [test('one'), test('two')],
    statements: { covered: 8, checked: 8, total: 10, reference: 8 },
    branches: { covered: 4, checked: 4, total: 4, reference: 4 },
    uncoveredLines: [],
    mutants: [mutant('a', 'killed'), mutant('b', 'killed', true)],
    boundaryClasses: { seen: ['zero', 'null'], expected: ['zero', 'null'] },
    ...changes,
  };
}
