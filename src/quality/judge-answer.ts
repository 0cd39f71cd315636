import ts from '@typescript/typescript6';
import type { Judge } from '../patterns/judge.ts';
import type { Executor } from './execution/index.ts';
import { SourceError } from './execution/index.ts';
import { codeBlocks, extractTests } from './extraction.ts';
import { isDetected } from './mutants.ts';

export const RERUNS = 3;
export const TEST_TIMEOUT_MS = 5000;
/** Mutants that are tried; taken evenly from the whole list. */
export const MOST_MUTANTS = 40;
/** Tests that let more than this share of mutants live prove too little. */
const LEAST_KILLED = 0.5;

/**
 * Judges remembered answers by running them. Tests are run against the module that stands in their
 * prompt: right where every test passes three times and at least half of the module's mutants
 * die, wrong where a test fails, cannot be loaded or does not even parse. Everything else is `unknown`: other kinds of work,
 * prompts without the module, modules that need others, tests that pass and prove too little.
 * @throws AppError `execution.failed` when the sandbox cannot run anything
 */
export function createAnswerJudge(executor: Pick<Executor, 'execute' | 'listMutants'>): Judge {
  return async ({ prompt, answer, category }, signal) => {
    if (category !== 'test-generation') return 'unknown';
    const { code, source: found, parses } = extractTests(answer);
    // Cut off, or no code at all: nobody can use it as it stands.
    if (found !== 'none' && !parses) return 'wrong';
    const module = code === '' ? undefined : moduleUnderTest(code);
    const source = module === undefined ? undefined : sourceIn(prompt);
    if (module === undefined || source === undefined) return 'unknown';
    const subject = { fileName: `${module}.ts`, source };
    try {
      const mutants = (await executor.listMutants(subject)).map(({ id }) => id);
      if (mutants.length === 0) return 'unknown';
      const execution = await executor.execute(
        {
          subject,
          test: { fileName: 'answer.test.ts', source: code },
          reruns: RERUNS,
          mutants: evenly(mutants, MOST_MUTANTS),
          testTimeoutMs: TEST_TIMEOUT_MS,
          mustCheck: true,
        },
        signal,
      );
      if (execution.state === 'not-loaded') return 'wrong';
      const tests = execution.tests.filter(({ state }) => state !== 'skipped');
      // A vacuous test may check what none of the mutants tried would change.
      if (tests.some(({ state }) => state !== 'passed' && state !== 'vacuous')) return 'wrong';
      const killed = execution.mutants.filter(isDetected).length;
      const isProof = tests.length > 0 && killed >= LEAST_KILLED * execution.mutants.length;
      return isProof ? 'right' : 'unknown';
    } catch (error) {
      if (error instanceof SourceError) return 'unknown';
      throw error;
    }
  };
}

/** The one module beside it that a test file imports, by its bare name. */
export function moduleUnderTest(test: string): string | undefined {
  const names = new Set(
    importsOf(test)
      .filter((path) => /^\.{1,2}\//.test(path))
      .map((path) => path.replace(/^.*\//, '').replace(/\.[cm]?[jt]sx?$/, '')),
  );
  const [only, ...others] = names;
  return others.length === 0 && only !== '' ? only : undefined;
}

/** The one code block of a prompt that exports something and needs no other module but Node's own. */
export function sourceIn(prompt: string): string | undefined {
  const [only, ...others] = codeBlocks(prompt).filter((code) =>
    /^\s*export\b|^module\.exports\b/m.test(code),
  );
  if (only === undefined || others.length > 0) return undefined;
  return importsOf(only).every((path) => path.startsWith('node:')) ? only : undefined;
}

function importsOf(code: string): string[] {
  return ts.preProcessFile(code).importedFiles.map(({ fileName }) => fileName);
}

/** So many items, taken evenly from the whole list. */
export function evenly<Item>(items: readonly Item[], most: number): Item[] {
  const step = Math.max(1, items.length / most);
  return Array.from({ length: Math.min(most, items.length) }, (_, index) =>
    items.at(Math.floor(index * step)),
  ).filter((item) => item !== undefined);
}
