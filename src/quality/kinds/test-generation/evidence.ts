import type { AnswerEvidence, Rubric } from '../../result.ts';

export interface TestEvidence {
  name: string;
  /**
   * `passed` only if it passed in every rerun; `flaky` if in some. `vacuous`: it passed, but none of
   * its expectations fails on any mutant.
   */
  state: 'passed' | 'vacuous' | 'failed' | 'flaky' | 'timeout' | 'skipped';
  message?: string;
}

export interface MutantEvidence {
  id: string;
  mutator: string;
  line: number;
  original: string;
  replacement: string;
  boundary: boolean;
  state: 'killed' | 'survived' | 'no-coverage' | 'timeout';
}

export interface CoverageEvidence {
  /** Run by tests that count as passed. */
  covered: number;
  /** Of `covered`: where those tests notice a change. This is what earns points. */
  checked: number;
  total: number;
  /** What the reference tests cover of `total`. */
  reference: number;
}

/** Boundary values looked for among the arguments that tests pass to the subject. */
export type BoundaryClass =
  | 'zero'
  | 'minus-one'
  | 'nan'
  | 'null'
  | 'empty-string'
  | 'empty-array'
  | 'max';

export interface TestGenerationEvidence extends AnswerEvidence {
  rubric: Rubric;
  extraction: {
    /** Where the code was found in the answer. */
    source: 'fence' | 'bare' | 'none';
    /** Code blocks in the answer. */
    blocks: number;
    /** Present when the answer did not parse and only whole tests were kept. */
    salvaged?: { kept: number; total: number };
    /** The module was not imported as it is to be, and an import was added. */
    mended?: 'imports';
  };
  parses: boolean;
  typeErrors: string[];
  /** Why the test file could not be loaded at all. */
  loadError?: string;
  tests: TestEvidence[];
  statements: CoverageEvidence;
  branches: CoverageEvidence;
  uncoveredLines: number[];
  mutants: MutantEvidence[];
  boundaryClasses: { seen: BoundaryClass[]; expected: BoundaryClass[] };
}
