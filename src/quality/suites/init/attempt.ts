import type { KindDeps } from '../../kinds/kind.ts';
import { measuredSchema, type Measured } from '../../kinds/test-generation/format.ts';
import { testGeneration, type TestGenerationTask } from '../../kinds/test-generation/kind.ts';
import type { Candidate } from './candidates.ts';
import type { Module } from './module.ts';
import { classOf, titleOf, type Place } from './names.ts';
import type { Origins } from './origins.ts';
import { referenceOf, type LeftOut, type Reference } from './reference.ts';
import { makeStand } from './stand.ts';

/** A task of the new suite, measured. */
export interface Picked {
  task: TestGenerationTask & { measured: Measured };
  candidate: Candidate;
  /** Tests taken over from the project, and those that could not be. */
  tests: number;
  leftOut: LeftOut[];
}

export type Attempt = { state: 'picked'; picked: Picked } | { state: 'refused'; reason: string };

/** A reference that asks less than this makes a task that asks little. */
const LEAST_COVERED = 0.6;
const LEAST_KILLED = 0.5;
const LEAST_GOLD = 9.5;

/** The project’s own tests of a candidate as one file for the grader’s runner. Nothing is run. */
export function draftReference(
  candidate: Candidate,
  { subject }: Place,
  origins: Origins,
  root: string,
  setup: readonly Module[],
): Reference {
  const { module, only, tests } = candidate;
  const stem = subject.replace(/\.[cm]?[jt]s$/, '');
  const offered = only === undefined ? undefined : [only];
  return referenceOf({ module, stem, origin: origins.of, offered }, tests, root, setup);
}

/** Runs and measures a candidate’s reference. */
export async function attempt(
  candidate: Candidate,
  place: Place,
  draft: Extract<Reference, { state: 'made' }>,
  deps: KindDeps,
  signal: AbortSignal,
): Promise<Attempt> {
  const subject = { fileName: place.subject, source: candidate.source };
  const standing = await makeStand(subject, draft.text, deps.executor, signal);
  if (standing.state === 'refused') return standing;
  const task: TestGenerationTask = {
    id: place.id,
    title: titleOf(candidate),
    complexity: classOf(candidate.complexity),
    subject: place.subject,
    cluster: candidate.file.replaceAll(/[^\w.-]+/g, '-'),
    category: 'test-generation',
    folder: '',
    subjectSource: candidate.source,
    referenceSource: standing.text,
    fuzzSource: undefined,
    measured: undefined,
  };
  const built = await testGeneration.build(task, deps, signal);
  if (built.state === 'refused') return { state: 'refused', reason: built.problems.join('; ') };
  const measured = measuredSchema.parse(built.measured);
  const weak = weakness(measured);
  if (weak !== undefined) return { state: 'refused', reason: weak };
  const sound = { ...task, measured };
  const answer = { text: testGeneration.goldAnswer(sound), truncated: false, looped: false };
  const gold = await testGeneration.grade(sound, answer, 'linear', deps, signal);
  if (gold.score < LEAST_GOLD) {
    return { state: 'refused', reason: `its own tests score ${gold.score}, below ${LEAST_GOLD}` };
  }
  const leftOut = [...draft.leftOut, ...standing.leftOut];
  return { state: 'picked', picked: { task: sound, candidate, tests: standing.tests, leftOut } };
}

function weakness({ statements, branches, mutants, equivalent }: Measured): string | undefined {
  const total = statements.total + branches.total;
  const share = (statements.covered + branches.covered) / Math.max(total, 1);
  const percent = (value: number): string => `${Math.round(value * 100)} %`;
  if (share < LEAST_COVERED) {
    return `its tests cover ${percent(share)} of its statements and branches, below ${percent(LEAST_COVERED)}`;
  }
  const killed = mutants.length / Math.max(mutants.length + equivalent.length, 1);
  if (killed < LEAST_KILLED) {
    return `its tests notice ${percent(killed)} of what is changed in it, below ${percent(LEAST_KILLED)}`;
  }
  if (!mutants.some(({ boundary }) => boundary)) return 'its tests notice no change at a boundary';
  return undefined;
}
