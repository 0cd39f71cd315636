import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadSuite } from '../../src/quality/suites/suite.ts';
import { createRuntime } from '../../src/runtime.ts';
import { measuredTasks, scoreOf } from '../quality/bad-answers/grade-bad.ts';
import { BAD_ANSWERS } from '../quality/bad-answers/table.ts';

/**
 * Proves that answers which look like tests and check nothing, or little, earn no more than that: every kind
 * in the table, made from the reference tests of every test-generation task of the built-in suite.
 */
export async function run(out: (line: string) => void): Promise<boolean> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-bad-answers-'));
  try {
    const runtime = await createRuntime({ cwd: folder, env: process.env, flags: {} });
    const tasks = measuredTasks((await loadSuite(runtime.builtInSuite)).tasks);
    const sandbox = await runtime.openSandbox(false);
    const executor = await runtime.createExecutor(sandbox);
    // What fails to type-check would only earn less.
    const deps = { executor, typeCheck: () => [] };
    let held = true;
    for (const bad of BAD_ANSWERS) {
      const started = performance.now();
      const waiting = [...tasks];
      const scores: { id: string; score: number }[] = [];
      const grader = async (): Promise<void> => {
        for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
          const score = await scoreOf(bad, task, deps);
          if (score !== null) scores.push({ id: task.id, score });
        }
      };
      await Promise.all(Array.from({ length: runtime.cores }, grader));
      const outside = scores.filter(({ score }) => score < bad.least || score > bad.most);
      const values = scores.map(({ score }) => score);
      const mean = values.reduce((sum, score) => sum + score, 0) / values.length;
      const seconds = ((performance.now() - started) / 1000).toFixed(0);
      const fine = values.length > 0 && outside.length === 0;
      held &&= fine;
      out(
        `${fine ? 'held' : 'NOT HELD'}  ${bad.name}: ${mean.toFixed(2)} on average (${Math.min(...values)} to ${Math.max(...values)}) over ${values.length} tasks, ${bad.least} to ${bad.most} allowed, ${seconds} s`,
      );
      for (const { id, score } of outside) out(`          ${id}: ${score}`);
    }
    return held;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
