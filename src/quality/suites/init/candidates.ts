import path from 'node:path';
import { decisionsIn, greatestComplexity } from '../../complexity.ts';
import type { Covered } from './coverage-now.ts';
import { impurities, parseModule, type Module } from './module.ts';
import { inOneFile } from './one-file.ts';
import { Origins } from './origins.ts';
import { hasTests } from './reference.ts';
import type { Survey } from './survey.ts';

/** A module, or one function of a long one, that would make a task. */
export interface Candidate {
  /** Path from the project’s folder. */
  file: string;
  module: Module;
  /** The one function that was taken out of a long module. */
  only: string | undefined;
  /** What the task’s file holds. */
  source: string;
  /** Modules of the project that were brought into it, by their paths. */
  inlined: string[];
  lines: number;
  /** Branches that its functions decide on, and the greatest cyclomatic complexity of one function. */
  decisions: number;
  complexity: number;
  covered: Covered | undefined;
  /** The project’s test files that import it. */
  tests: Module[];
}

export interface Refusal {
  /** Path from the project’s folder; of a function `file#name`. */
  file: string;
  /** All that speaks against it. */
  reasons: string[];
}

export interface Looked {
  candidates: Candidate[];
  refused: Refusal[];
  origins: Origins;
}

/** Fewer decisions than this, and there is nothing to find out by tests. */
const LEAST_DECISIONS = 4;
const MOST_LINES = 400;

/** Looks at each source of a project: is it worth a task, and can it stand alone? */
export async function lookForCandidates(survey: Survey): Promise<Looked> {
  const { project, read } = survey;
  const reach = { resolve: project.resolve, read };
  const origins = new Origins(reach);
  const testsOf = new Map<string, Map<Module, Set<string>>>();
  for (const file of survey.tests) {
    const test = await origins.open(file);
    if (test === undefined || !hasTests(test)) continue;
    await origins.learn(test);
    for (const [source, names] of origins.usedBy(test)) {
      testsOf.set(source, (testsOf.get(source) ?? new Map()).set(test, names));
    }
  }
  const looked: Looked = { candidates: [], refused: [], origins };
  for (const source of survey.sources) {
    const file = path.relative(project.root, source).replaceAll(path.sep, '/');
    const text = (await read(source)) ?? '';
    const module = parseModule(source, text);
    if (typeof module === 'string') {
      looked.refused.push({ file, reasons: [module] });
      continue;
    }
    const covered = survey.coverage?.files.get(source);
    const common = { file, module, covered, tests: testsOf.get(source) ?? new Map() };
    const { candidates, refused } = await lookAt(common, survey);
    looked.candidates.push(...candidates);
    looked.refused.push(...refused);
  }
  return looked;
}

/** @property tests by the names of the module that they use */
type Common = Pick<Candidate, 'file' | 'module' | 'covered'> & {
  tests: ReadonlyMap<Module, ReadonlySet<string>>;
};

async function lookAt(common: Common, { project, read }: Survey): Promise<Omit<Looked, 'origins'>> {
  const { file, module } = common;
  const { names, default: whole } = module.exports;
  const decisions = decisionsIn(module.ast);
  const reasons = impurities(module);
  if (names.length === 0 && whole === undefined) reasons.push('exports nothing that can be called');
  if (decisions < LEAST_DECISIONS) {
    reasons.push(`decides little: ${decisions} of at least ${LEAST_DECISIONS} branches`);
  }
  if (
    project.legacyDecorators &&
    /^\s*@\w/m.test(module.text.replaceAll(/\/\*[\s\S]*?\*\//g, ''))
  ) {
    reasons.push('uses decorators in the manner of experimentalDecorators');
  }
  const reach = { resolve: project.resolve, read };
  const candidate = (
    source: string,
    inlined: string[],
    decided: number,
    only?: string,
  ): Candidate => ({
    file,
    module,
    covered: common.covered,
    tests: [...common.tests]
      .filter(([, used]) => only === undefined || used.has(only) || used.has('*'))
      .map(([test]) => test),
    only,
    source,
    inlined: inlined.map((each) => path.relative(project.root, each)),
    lines: linesOf(source),
    decisions: decided,
    complexity: greatestComplexity(source),
  });
  if (reasons.length === 0) {
    const made = await inOneFile(module, reach);
    if (made.state === 'refused') reasons.push(made.reason);
    else if (linesOf(made.text) <= MOST_LINES) {
      return { candidates: [candidate(made.text, made.inlined, decisions)], refused: [] };
    } else {
      reasons.push(`${linesOf(made.text)} lines are too many for one task (at most ${MOST_LINES})`);
    }
  }
  // What speaks against all of it may not speak against each of its functions.
  const parts: Candidate[] = [];
  for (const name of module.format === 'module' && decisions >= LEAST_DECISIONS ? names : []) {
    const part = await inOneFile(module, reach, [name]);
    if (part.state === 'refused' || linesOf(part.text) > MOST_LINES) continue;
    const alone = parseModule(module.file, part.text);
    if (typeof alone === 'string' || impurities(alone).length > 0) continue;
    const decided = decisionsIn(alone.ast);
    if (decided >= LEAST_DECISIONS) parts.push(candidate(part.text, part.inlined, decided, name));
  }
  return { candidates: parts, refused: parts.length > 0 ? [] : [{ file, reasons }] };
}

function linesOf(text: string): number {
  return text.trimEnd().split('\n').length;
}
