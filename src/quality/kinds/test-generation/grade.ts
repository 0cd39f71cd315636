import type { Execution, Executor } from '../../execution/index.ts';
import { extractTests } from '../../extraction.ts';
import { isDetected } from '../../mutants.ts';
import type { GradeOf, Part, Rubric } from '../../result.ts';
import type { TypeChecker } from '../../type-check.ts';
import { roundPoints as round, type Answer } from '../kind.ts';
import type {
  BoundaryClass,
  CoverageEvidence,
  MutantEvidence,
  TestGenerationEvidence,
} from './evidence.ts';
import type { Measured } from './format.ts';
import { exportsOf, mendImports, stemOf } from './imports.ts';
import type { TestGenerationTask } from './kind.ts';

export interface GraderDeps {
  executor: Pick<Executor, 'execute'>;
  typeCheck: TypeChecker;
}

/** The three parts; they add up to at most 100. */
export interface ScoreParts {
  /** 0–40 */
  coverage: number;
  /** 0–30 */
  edgeCases: number;
  /** 0–30 */
  correctness: number;
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

/**
 * Grades an answer to a test-generation task by running it, after docs/grading.md:
 * coverage 40 (statements and branches checked by passing tests, relative to what the reference covers), edge cases 30
 * (half boundary mutants killed, half boundary values seen as arguments), correctness 30 (5 parses,
 * 5 type-checks, 20 share of tests that pass on the correct module, vacuous ones left out, 0 if they
 * kill no mutant).
 */
export async function gradeTestGeneration(
  task: TestGenerationTask & { measured: Measured },
  answer: Answer,
  rubric: Rubric,
  { executor, typeCheck }: GraderDeps,
  signal?: AbortSignal,
): Promise<GradeOf<'test-generation'>> {
  const { measured } = task;
  const { code, parses, ...found } = extractTests(answer.text);
  const subject = { fileName: task.subject, source: task.subjectSource };
  const fileName = 'answer.test.ts';
  const typeErrors = parses ? typeCheck(subject, { fileName, source: code }) : [];
  const mended = mendImports(code, stemOf(task.subject), exportsOf(task.subjectSource).names);
  const extraction = { ...found, ...(mended === undefined ? {} : { mended: 'imports' as const }) };
  const test = { fileName, source: mended ?? code };
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
            mustCheck: true,
          },
          signal,
        );
  const evidence: TestGenerationEvidence = {
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
  return {
    category: 'test-generation',
    score: round(points / 10),
    parts: namedParts(parts),
    evidence,
  };
}

function namedParts({ coverage, edgeCases, correctness }: ScoreParts): Part[] {
  return [
    { name: 'coverage', points: coverage, max: POINTS.coverage },
    { name: 'edge cases', points: edgeCases, max: POINTS.boundaryMutants + POINTS.boundaryClasses },
    { name: 'correctness', points: correctness, max: POINTS.parses + POINTS.types + POINTS.logic },
  ];
}

type ExecutionEvidence = Omit<
  TestGenerationEvidence,
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
        checked: 0,
        total: measured.statements.total,
        reference: measured.statements.covered,
      },
      branches: {
        covered: 0,
        checked: 0,
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
      checked: execution.statements.checked.length,
      total: execution.statements.total.length,
      reference: measured.statements.covered,
    },
    branches: {
      covered: execution.branches.covered.length,
      checked: execution.branches.checked.length,
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
export function scoreParts(evidence: TestGenerationEvidence): ScoreParts {
  const detected = evidence.mutants.filter(isDetected);
  const boundary = evidence.mutants.filter((mutant) => mutant.boundary);
  const counted = evidence.tests.filter(({ state }) => state !== 'skipped' && state !== 'vacuous');
  const passed = counted.filter((test) => test.state === 'passed');

  const asItStood = evidence.parses && evidence.extraction.mended === undefined;
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
      (asItStood ? POINTS.parses : 0) +
        (asItStood && evidence.typeErrors.length === 0 ? POINTS.types : 0) +
        POINTS.logic * logic,
    ),
  };
}

function coveragePoints({ rubric, statements, branches }: TestGenerationEvidence): number {
  const of = (pick: (coverage: CoverageEvidence) => number): number =>
    pick(statements) + pick(branches);
  const covered = Math.min(
    1,
    share(
      of((coverage) => coverage.checked),
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

/** `undefined` where there is nothing to have a share of. */
function share(part: number, whole: number): number | undefined {
  return whole === 0 ? undefined : part / whole;
}
