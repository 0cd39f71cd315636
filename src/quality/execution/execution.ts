import type { BoundaryClass, TestEvidence } from '../kinds/test-generation/evidence.ts';

/** A mutant of a subject, named by what it changes and not by a running number. */
export interface Mutant {
  /** `<line>:<column>-<line>:<column> <mutator> <replacement>`, lines from 1, columns from 0. */
  id: string;
  /** Stryker's name of the mutation operator, e.g. `EqualityOperator`. */
  mutator: string;
  line: number;
  original: string;
  replacement: string;
}

/** One test file run against one subject. */
export interface ExecutionJob {
  subject: { fileName: string; source: string };
  test: { fileName: string; source: string };
  /** How often the tests run on the unchanged subject; a test passes only if it passes every time. */
  reruns: number;
  /** Mutants to switch on one at a time, by id. */
  mutants: readonly string[];
  /** Milliseconds one test may take. */
  testTimeoutMs: number;
  /**
   * Tests must check the subject: one that calls no `expect` fails, as under vitest's
   * `expect.requireAssertions`; one of which no expectation fails on any mutant is `vacuous`, and
   * neither what it covers nor what it notices counts.
   */
  mustCheck: boolean;
}

/** Statement or branch numbers of istanbul's map. */
export interface CoverageCounts {
  /** Keys covered by tests that count as passed (`s3`, `b2.1`). */
  covered: string[];
  /** Those of them where the tests notice a change. @see checkedRegions */
  checked: string[];
  /** Keys that are not already covered by loading the subject. */
  total: string[];
}

export interface MutantOutcome {
  id: string;
  /** `timeout` counts as killed. */
  state: 'killed' | 'survived' | 'no-coverage' | 'timeout';
}

export type Execution =
  /** The file does not bundle, throws while it loads, or holds no test. */
  | { state: 'not-loaded'; message: string }
  | {
      state: 'ran';
      tests: TestEvidence[];
      statements: CoverageCounts;
      branches: CoverageCounts;
      /** Lines of statements that no passing test covers. */
      uncoveredLines: number[];
      boundaryClasses: BoundaryClass[];
      mutants: MutantOutcome[];
    };

/** One test file run once, to see what it reaches. */
export type TraceJob = Pick<ExecutionJob, 'subject' | 'test' | 'testTimeoutMs'>;

/** One way that a branch can go. */
export interface BranchArm {
  /** `b2.1` */
  key: string;
  /** Istanbul's word: `if`, `cond-expr`, `binary-expr`, `switch`, `default-arg`. */
  type: string;
  /** Which way of its branch, from 0. */
  index: number;
  /** Line that the branch begins in; for `switch` that of the case. */
  line: number;
}

export type Trace =
  | { state: 'not-loaded'; message: string }
  | {
      state: 'ran';
      tests: TestTrace[];
      /** Keys of statements and branches touched by loading the subject, and outside of tests. */
      outside: string[];
      /** Line of each statement (`s3`). */
      lines: ReadonlyMap<string, number>;
      /** Every way that a branch can go, in the order of the source. */
      arms: readonly BranchArm[];
    };

/** What a test reaches, whether it passes or not. */
export interface TestTrace extends TestEvidence {
  /** Keys of statements (`s3`) and branches (`b2.1`). */
  touched: string[];
}
