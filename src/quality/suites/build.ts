import { rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, messageOf } from '../../core/errors.ts';
import { SourceError } from '../execution/index.ts';
import type { KindDeps, Measurement } from '../kinds/kind.ts';
import { kindOf, type Task } from '../kinds/registry.ts';

export type BuildOutcome = { taskId: string } & Measurement;

/**
 * Measures the truth of tasks and writes each `measured.json`.
 * @throws AppError `suite.not-written`
 */
export async function* buildSuite(
  tasks: readonly Task[],
  deps: KindDeps,
  signal: AbortSignal,
): AsyncGenerator<BuildOutcome> {
  for (const task of tasks) {
    const measurement = await kindOf(task.category)
      .build(task, deps, signal)
      .catch((error: unknown): Measurement => refusal(error));
    if (measurement.state === 'built') {
      const file = path.join(task.folder, 'measured.json');
      await writeWhole(file, `${JSON.stringify(measurement.measured, null, 2)}\n`);
    }
    yield { taskId: task.id, ...measurement };
  }
}

async function writeWhole(file: string, text: string): Promise<void> {
  try {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  } catch (error) {
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
