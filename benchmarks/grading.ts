import { execFile } from 'node:child_process';
import { cp, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { kindOf } from '../src/quality/kinds/registry.ts';
import {
  REFERENCE_FILE,
  type TestGenerationTask,
} from '../src/quality/kinds/test-generation/kind.ts';
import { loadSuite } from '../src/quality/suites/suite.ts';
import { createRuntime } from '../src/runtime.ts';

const execute = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * Grades the suite's gold answers on all cores: reruns, coverage, argument spies and every frozen
 * mutant. Promise: the 12 in under 10 s on 2 cores. Control: real vitest running the same test files
 * once, without coverage and without a single mutant.
 */
export async function run(out: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-grading-'));
  try {
    const runtime = await createRuntime({ cwd: folder, env: process.env, flags: {} });
    const suite = await loadSuite(runtime.builtInSuite);
    const sandbox = await runtime.openSandbox(false);
    const deps = {
      executor: await runtime.createExecutor(sandbox),
      typeCheck: await runtime.createTypeChecker(),
      sandbox,
    };

    const started = performance.now();
    const tasks = suite.tasks.filter((task) => task.category === 'test-generation');
    const waiting = [...tasks];
    const scores: number[] = [];
    let mutants = 0;
    const grader = async (): Promise<void> => {
      for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) {
        const { measured } = task;
        const kind = kindOf(task.category);
        if (measured === undefined) throw new Error(`${task.id} is not measured`);
        mutants += measured.mutants.length;
        const answer = { text: kind.goldAnswer(task), truncated: false, looped: false };
        const { score } = await kind.grade(task, answer, 'linear', deps);
        scores.push(score);
      }
    };
    await Promise.all(Array.from({ length: runtime.cores }, grader));
    const ours = (performance.now() - started) / 1000;
    const control = await vitestSeconds(tasks, folder);
    out(
      `ours: ${scores.length} gold answers, ${mutants} mutants, ${runtime.cores} cores, ${sandbox.tier}: ${ours.toFixed(1)} s (lowest score ${Math.min(...scores)})`,
    );
    out(
      `vitest (control): the same ${scores.length} files once, no mutants: ${control.toFixed(1)} s`,
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function vitestSeconds(
  tasks: readonly TestGenerationTask[],
  folder: string,
): Promise<number> {
  await symlink(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'));
  await writeFile(path.join(folder, 'package.json'), '{"type":"module"}');
  for (const task of tasks) {
    for (const file of [task.subject, REFERENCE_FILE]) {
      await cp(path.join(task.folder, file), path.join(folder, task.id, file));
    }
  }
  const started = performance.now();
  await execute(path.join(ROOT, 'node_modules/.bin/vitest'), ['run', '--root', folder], {
    cwd: folder,
  });
  return (performance.now() - started) / 1000;
}
