import type { Completion } from '../../core/request.ts';
import type { Execution, Executor } from '../execution/index.ts';
import { extractTests } from '../extraction.ts';
import type {
  BoundaryClass,
  CoverageEvidence,
  Evidence,
  MutantEvidence,
  Rubric,
  ScoreParts,
} from '../result.ts';
import type { Measured } from '../suites/format.ts';
import type { Task } from '../suites/suite.ts';
import type { TypeChecker } from '../type-check.ts';

export interface Grade {
  /** 0–10, rounded to a thousandth. */
  score: number;
  parts: ScoreParts;
  evidence: Evidence;
}

export interface GraderDeps {
  executor: Pick<Executor, 'execute'>;
  typeCheck: TypeChecker;
}

export interface Answer {
  text: string;
  /** It was cut off by a limit. */
  truncated: boolean;
  looped: boolean;
}

/** How often the tests run on the correct module; a test passes only if it passes every time. */
const RERUNS = 3;
const TEST_TIMEOUT_MS = 5000;

const POINTS = {
  coverage: 40,
  boundaryMutants: 15,
  boundaryClasses: 15,
  parses: 5,
  types: 5,
  logic: 20,
};

export function answerOf(completion: Completion, looped: boolean): Answer {
  // An answer without end is stopped long after any token limit that makes sense.
  return {
    text: completion.text,
    truncated: !looped && completion.finishReason !== 'stop',
    looped,
  };
}

/**
 * Grades an answer to a test-generation task by running it, after docs/grading.md:
 * coverage 40 (statements and branches by passing tests, relative to the reference), edge cases 30
 * (half boundary mutants killed, half boundary values seen as arguments), correctness 30 (5 parses,
 * 5 type-checks, 20 share of tests that pass on the correct module, 0 if they kill no mutant).
 */
export async function gradeTestGeneration(
  task: Task & { measured: Measured },
  answer: Answer,
  rubric: Rubric,
  { executor, typeCheck }: GraderDeps,
  signal?: AbortSignal,
): Promise<Grade> {
  const { measured } = task;
  const { code, parses, ...extraction } = extractTests(answer.text);
  const subject = { fileName: task.subject, source: task.subjectSource };
  const test = { fileName: 'answer.test.ts', source: code };
  const typeErrors = parses ? typeCheck(subject, test) : [];
  const execution: Execution =
    code === ''
      ? { state: 'not-loaded', message: 'The answer holds no whole test.' }
      : await executor.execute(
          {
            subject,
            test,
            reruns: RERUNS,
            mutants: measured.mutants.map((mutant) => mutant.id),
            testTimeoutMs: TEST_TIMEOUT_MS,
            requireAssertions: true,
          },
          signal,
        );
  const evidence: Evidence = {
    rubric,
    extraction,
    truncated: answer.truncated,
    looped: answer.looped,
    parses,
    typeErrors,
    ...executionEvidence(execution, measured),
  };
  const parts = scoreParts(evidence);
  const points = parts.coverage + parts.edgeCases + parts.correctness;
  return { score: round(points / 10), parts, evidence };
}

type ExecutionEvidence = Omit<
  Evidence,
  'rubric' | 'extraction' | 'truncated' | 'looped' | 'parses' | 'typeErrors'
>;

function executionEvidence(execution: Execution, measured: Measured): ExecutionEvidence {
  const expected = measured.boundaryClasses;
  if (execution.state === 'not-loaded') {
    return {
      loadError: execution.message,
      tests: [],
      statements: {
        covered: 0,
        total: measured.statements.total,
        reference: measured.statements.covered,
      },
      branches: {
        covered: 0,
        total: measured.branches.total,
        reference: measured.branches.covered,
      },
      uncoveredLines: [],
      mutants: measured.mutants.map((mutant) => mutantEvidence(mutant, 'no-coverage')),
      boundaryClasses: { seen: [], expected },
    };
  }
  const outcomes = new Map(execution.mutants.map((outcome) => [outcome.id, outcome.state]));
  return {
    tests: execution.tests,
    statements: {
      covered: execution.statements.covered.length,
      total: execution.statements.total.length,
      reference: measured.statements.covered,
    },
    branches: {
      covered: execution.branches.covered.length,
      total: execution.branches.total.length,
      reference: measured.branches.covered,
    },
    uncoveredLines: execution.uncoveredLines,
    mutants: measured.mutants.map((mutant) =>
      mutantEvidence(mutant, outcomes.get(mutant.id) ?? 'no-coverage'),
    ),
    boundaryClasses: { seen: execution.boundaryClasses, expected },
  };
}

function mutantEvidence(
  mutant: Measured['mutants'][number],
  state: MutantEvidence['state'],
): MutantEvidence {
  const { id, mutator, line, original, replacement, boundary } = mutant;
  return { id, mutator, line, original, replacement, boundary, state };
}

/** The points that evidence earns; pure, so that the same evidence always earns the same. */
export function scoreParts(evidence: Evidence): ScoreParts {
  const detected = evidence.mutants.filter(isDetected);
  const boundary = evidence.mutants.filter((mutant) => mutant.boundary);
  const counted = evidence.tests.filter((test) => test.state !== 'skipped');
  const passed = counted.filter((test) => test.state === 'passed');

  const mutantShare = share(boundary.filter(isDetected).length, boundary.length);
  const classShare = classesSeen(evidence.boundaryClasses);
  const logic = detected.length > 0 ? (share(passed.length, counted.length) ?? 0) : 0;
  return {
    coverage: round(coveragePoints(evidence)),
    edgeCases: round(
      POINTS.boundaryMutants * (mutantShare ?? classShare ?? 0) +
        POINTS.boundaryClasses * (classShare ?? mutantShare ?? 0),
    ),
    correctness: round(
      (evidence.parses ? POINTS.parses : 0) +
        (evidence.parses && evidence.typeErrors.length === 0 ? POINTS.types : 0) +
        POINTS.logic * logic,
    ),
  };
}

function coveragePoints({ rubric, statements, branches }: Evidence): number {
  const of = (pick: (coverage: CoverageEvidence) => number): number =>
    pick(statements) + pick(branches);
  const covered = Math.min(
    1,
    share(
      of((coverage) => coverage.covered),
      of((coverage) => coverage.reference),
    ) ?? 0,
  );
  if (rubric === 'linear') return POINTS.coverage * covered;
  // The plan's M1.4 steps.
  if (covered >= 0.9) return 40;
  if (covered >= 0.8) return 30;
  return covered >= 0.7 ? 20 : 0;
}

function classesSeen({ seen, expected }: { seen: BoundaryClass[]; expected: BoundaryClass[] }) {
  return share(expected.filter((name) => seen.includes(name)).length, expected.length);
}

/** A mutant on which the tests hang is detected, as in Stryker. */
function isDetected(mutant: MutantEvidence): boolean {
  return mutant.state === 'killed' || mutant.state === 'timeout';
}

/** `undefined` where there is nothing to have a share of. */
function share(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
