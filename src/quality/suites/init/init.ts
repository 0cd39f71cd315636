import path from 'node:path';
import { AppError } from '../../../core/errors.ts';
import type { KindDeps } from '../../kinds/kind.ts';
import { attempt, draftReference, type Picked } from './attempt.ts';
import { lookForCandidates, type Candidate, type Looked, type Refusal } from './candidates.ts';
import { parseModule, type Module } from './module.ts';
import { classOf, nameOf, placeOf, type Place } from './names.ts';
import type { Reference } from './reference.ts';
import { survey, type Survey } from './survey.ts';
import { refuseExisting, writeSuite } from './write.ts';

export interface InitOptions {
  /** Absolute path of a folder, a package or one file. */
  from: string;
  /** Absolute path of the new suite. */
  out: string;
  /** Most tasks. */
  max: number;
  /** istanbul’s `coverage-final.json` or an `lcov.info`. */
  coverage: string | undefined;
  /** The prompt of every task. */
  prompt: string;
}

export interface InitResult {
  suite: { name: string; folder: string; written: boolean };
  project: Pick<Survey['project'], 'root' | 'name' | 'runner' | 'environment' | 'tsconfig'> & {
    setup: string[];
    coverage: string | undefined;
  };
  sources: number;
  picked: Picked[];
  /** Worth a task and without tests: written aside for somebody to write the reference. */
  waiting: Candidate[];
  /** Would be tried next: there was no more room. */
  spare: Candidate[];
  refused: Refusal[];
  /** What a reader should know besides. */
  notes: string[];
}

/** What can be told without running anything. */
export interface Draft extends Omit<InitResult, 'picked' | 'suite'> {
  name: string;
  /** In the order in which they are tried. */
  drafts: {
    candidate: Candidate;
    place: Place;
    reference: Extract<Reference, { state: 'made' }>;
  }[];
}

export type InitEvent =
  | { type: 'trying'; file: string; picked: number; tried: number; of: number }
  | { type: 'refused'; refusal: Refusal }
  | { type: 'picked'; picked: Picked }
  | { type: 'finished'; result: InitResult };

/**
 * Looks through a project for modules that are worth a task.
 * @throws AppError `init.*`
 */
export async function draftSuite(options: InitOptions): Promise<Draft> {
  const found = await survey(options.from, options.coverage);
  const { project } = found;
  const looked = await lookForCandidates(found);
  const { setup, notes } = await openSetup(found);
  const refused = [...looked.refused];
  const drafts: Draft['drafts'] = [];
  const waiting: Candidate[] = [];
  const places = new Map<string, number>();
  for (const candidate of inTurn(looked.candidates)) {
    if (candidate.tests.length === 0) {
      waiting.push(candidate);
      continue;
    }
    const place = placeOf(candidate, project.name, places);
    const reference = draftReference(candidate, place, looked.origins, project.root, setup);
    if (reference.state === 'made') drafts.push({ candidate, place, reference });
    else refused.push({ file: nameOf(candidate), reasons: [reference.reason] });
  }
  if (project.environment !== 'node') {
    notes.push(`The project’s tests run in ${project.environment}; the grader has Node alone.`);
  }
  return {
    name: (project.name ?? path.basename(project.root))
      .replaceAll(/[^\w.-]+/g, '-')
      .replace(/^-/, ''),
    project: {
      root: project.root,
      name: project.name,
      runner: project.runner,
      environment: project.environment,
      tsconfig: project.tsconfig,
      setup: setup.map((module) => module.file),
      coverage: found.coverage?.source,
    },
    sources: found.sources.length,
    drafts,
    waiting: waiting.sort((a, b) => uncovered(b) - uncovered(a)).slice(0, options.max),
    spare: [],
    refused,
    notes,
  };
}

/** Runs and measures what was drafted, until there are enough tasks, and writes the suite. */
export async function* initSuite(
  options: InitOptions,
  draft: Draft,
  deps: KindDeps,
  signal: AbortSignal,
): AsyncGenerator<InitEvent> {
  await refuseExisting(options.out);
  const { name, drafts, ...found } = draft;
  const picked: Picked[] = [];
  const refused = [...draft.refused];
  let tried = 0;
  for (const { candidate, place, reference } of drafts) {
    if (picked.length >= options.max) break;
    const file = nameOf(candidate);
    yield { type: 'trying', file, picked: picked.length, tried, of: drafts.length };
    tried += 1;
    const outcome = await attempt(candidate, place, reference, deps, signal);
    if (outcome.state === 'picked') {
      picked.push(outcome.picked);
      yield { type: 'picked', picked: outcome.picked };
    } else {
      const refusal = { file, reasons: [outcome.reason] };
      refused.push(refusal);
      yield { type: 'refused', refusal };
    }
  }
  const result: InitResult = {
    ...found,
    suite: { name, folder: options.out, written: picked.length > 0 },
    picked,
    spare: drafts.slice(tried).map(({ candidate }) => candidate),
    refused,
  };
  if (picked.length > 0) await writeSuite(result, options.prompt);
  yield { type: 'finished', result };
}

/** Setup files that stand before the tests of every reference. */
async function openSetup(found: Survey): Promise<{ setup: Module[]; notes: string[] }> {
  const setup: Module[] = [];
  const notes: string[] = [];
  for (const file of found.project.setupFiles) {
    const text = path.isAbsolute(file) ? await found.read(file) : undefined;
    const module = text === undefined ? 'is no file of the project' : parseModule(file, text);
    if (typeof module === 'string') notes.push(`The setup ${file} is left out: it ${module}.`);
    else setup.push(module);
  }
  return { setup, notes };
}

const CLASSES = ['complex', 'moderate', 'simple'] as const;

/** Those that decide most first, of each class in turn, so that a short suite has of all. */
function inTurn(candidates: Looked['candidates']): Candidate[] {
  const classes = CLASSES.map((name) =>
    candidates
      .filter(({ complexity }) => classOf(complexity) === name)
      .sort((a, b) => b.decisions - a.decisions || (nameOf(a) < nameOf(b) ? -1 : 1)),
  );
  const rounds = Math.max(...classes.map((each) => each.length));
  return Array.from({ length: rounds }).flatMap((_, round) =>
    classes.flatMap((each) => each.slice(round, round + 1)),
  );
}

/** Decisions that no test has seen yet. */
function uncovered({ decisions, covered }: Candidate): number {
  return (
    decisions * (1 - (covered === undefined ? 0 : covered.covered / Math.max(covered.total, 1)))
  );
}

/** @throws AppError `init.no-source` where there is nothing at all to look at */
export function requireSources(draft: Draft, from: string): void {
  if (draft.sources > 0) return;
  throw new AppError('init.no-source', `There are no sources in ${from}.`, {
    hint: 'Looked for are .ts, .mts, .cts, .js, .mjs and .cjs files that are neither tests nor built, in no folder like node_modules, dist or examples.',
  });
}
