import type { JudgedAnswer } from '../patterns/judge.ts';
import type { Executor } from './execution/index.ts';
import { SourceError } from './execution/index.ts';
import { extractTests } from './extraction.ts';
import { exportsOf, mendImports } from './kinds/test-generation/imports.ts';
import {
  evenly,
  moduleUnderTest,
  sourceIn,
  MOST_MUTANTS,
  RERUNS,
  TEST_TIMEOUT_MS,
} from './judge-answer.ts';
import { isDetected } from './mutants.ts';

/** Points for tests that pass, and for mutants that die. */
const PASSING = 3;
const KILLED = 7;

/**
 * Scores answers from 0 to 10 by running them, where there is no reference suite to hold them
 * against: 3 points for the share of tests that pass in three runs, 7 for the share of the module's
 * mutants that die; nothing where none dies. Of an answer that is cut off the whole tests count, and
 * imports of the module that it forgot are added, as in a baseline.
 * @returns `undefined` for other kinds of work and for prompts without a module that stands for itself
 * @throws AppError `execution.failed` when the sandbox cannot run anything
 */
export function createAnswerGrader(
  executor: Pick<Executor, 'execute' | 'listMutants'>,
): (judged: JudgedAnswer, signal?: AbortSignal) => Promise<number | undefined> {
  return async ({ prompt, answer, category }, signal) => {
    const source = category === 'test-generation' ? sourceIn(prompt) : undefined;
    if (source === undefined) return undefined;
    const { code } = extractTests(answer);
    const stem = moduleUnderTest(code) ?? 'subject';
    const subject = { fileName: `${stem}.ts`, source };
    try {
      const mutants = (await executor.listMutants(subject)).map(({ id }) => id);
      if (mutants.length === 0) return undefined;
      if (code === '') return 0;
      const mended = mendImports(code, stem, exportsOf(source).names);
      const execution = await executor.execute(
        {
          subject,
          test: { fileName: 'answer.test.ts', source: mended ?? code },
          reruns: RERUNS,
          mutants: evenly(mutants, MOST_MUTANTS),
          testTimeoutMs: TEST_TIMEOUT_MS,
          mustCheck: true,
        },
        signal,
      );
      if (execution.state === 'not-loaded') return 0;
      // A vacuous test may check what none of the mutants tried would change.
      const tests = execution.tests.filter(
        ({ state }) => state !== 'skipped' && state !== 'vacuous',
      );
      const passed = tests.filter(({ state }) => state === 'passed').length;
      const killed = execution.mutants.filter(isDetected).length;
      if (killed === 0) return 0;
      return (PASSING * passed) / tests.length + (KILLED * killed) / execution.mutants.length;
    } catch (error) {
      if (error instanceof SourceError) return undefined;
      throw error;
    }
  };
}
