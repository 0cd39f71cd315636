import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gradeTestGeneration } from '../../src/quality/kinds/test-generation/grade.ts';
import { testGeneration } from '../../src/quality/kinds/test-generation/kind.ts';
import { loadSuite } from '../../src/quality/suites/suite.ts';
import { testGenerationTasks } from '../../src/quality/validate/bases.ts';
import { createVariations } from '../../src/quality/validate/variation.ts';
import { createRuntime } from '../../src/runtime.ts';

const LEAST_GOLD = 9.5;
/** Variations of each task. */
const ROUNDS = 3;

/**
 * Proves the generated tasks of `baseline validate`, some of each task of the built-in suite: the derived answer
 * earns a gold score, and the suite's own answer, with the constants as they were, fails.
 */
export async function run(out: (line: string) => void): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-variations-'));
  try {
    const runtime = await createRuntime({ cwd: folder, env: process.env, flags: {} });
    const { bases, unvaried, at } = createVariations(
      testGenerationTasks((await loadSuite(runtime.builtInSuite)).tasks),
      1,
    );
    const executor = await runtime.createExecutor(await runtime.openSandbox(false));
    const deps = { executor, typeCheck: await runtime.createTypeChecker() };
    const waiting = Array.from({ length: ROUNDS * bases.length }, (_, index) => index);
    const total = waiting.length;
    let held = true;
    const worker = async (): Promise<void> => {
      for (let index = waiting.shift(); index !== undefined; index = waiting.shift()) {
        const { task, base, staleTests } = at(index);
        const answer = { text: testGeneration.goldAnswer(task), truncated: false, looped: false };
        const { score } = await gradeTestGeneration(task, answer, 'linear', deps);
        const stale = await executor.execute({
          subject: { fileName: task.subject, source: task.subjectSource },
          test: { fileName: 'stale.test.ts', source: staleTests() },
          reruns: 2,
          mutants: [],
          testTimeoutMs: 5000,
          mustCheck: true,
        });
        const fails =
          stale.state === 'not-loaded' || stale.tests.some(({ state }) => state === 'failed');
        const fine = score >= LEAST_GOLD && fails;
        held &&= fine;
        if (!fine)
          out(
            `NOT HELD  ${base}: gold ${score}, the old answer ${fails ? 'fails' : 'still passes'}`,
          );
      }
    };
    await Promise.all(Array.from({ length: runtime.cores }, worker));
    out(
      `${held ? 'held' : 'NOT HELD'}  ${total} variations of ${bases.length} tasks; none can be made of ${unvaried.join(', ') || 'no task'}`,
    );
    return held;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
