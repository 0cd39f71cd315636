import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pMapIterable } from 'p-map';
import { AppError, messageOf } from '../../core/errors.ts';
import { SourceError } from '../execution/index.ts';
import type { KindDeps, Measurement } from '../kinds/kind.ts';
import { kindOf, type Task } from '../kinds/registry.ts';

export type BuildOutcome = { taskId: string } & Measurement;

/**
 * Measures the truth of tasks and writes each `measured.json`.
 * @returns the outcomes in the order of the tasks, of which `concurrency` are under way at once
 * @throws AppError `suite.not-written`
 */
export function buildSuite(
  tasks: readonly Task[],
  deps: KindDeps,
  concurrency: number,
  signal: AbortSignal,
): AsyncIterable<BuildOutcome> {
  const build = async (task: Task): Promise<BuildOutcome> => {
    const measurement = await kindOf(task.category)
      .build(task, deps, signal)
      .catch((error: unknown): Measurement => refusal(error));
    if (measurement.state === 'built') {
      const file = path.join(task.folder, 'measured.json');
      await writeWhole(file, `${JSON.stringify(measurement.measured, null, 2)}\n`);
    }
    return { taskId: task.id, ...measurement };
  };
  return pMapIterable(tasks, build, { concurrency, backpressure: Infinity });
}

async function writeWhole(file: string, text: string): Promise<void> {
  try {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  } catch (error) {
    // What was written in part takes room; whether it goes does not matter to the error.
    await rm(`${file}.new`, { force: true }).catch(() => undefined);
    throw new AppError('suite.not-written', `${file} cannot be written: ${messageOf(error)}`, {
      hint: 'Check that the suite’s folders can be written and have room. What was measured before is as it was.',
      cause: error,
    });
  }
}

/** Sources that cannot be read are the suite's fault; everything else is not. */
function refusal(error: unknown): Measurement {
  if (!(error instanceof SourceError)) throw error;
  return { state: 'refused', problems: [error.message] };
}
