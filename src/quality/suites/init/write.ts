import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, messageOf } from '../../../core/errors.ts';
import type { InitResult } from './init.ts';
import { classOf, placeOf, titleOf } from './names.ts';

const MOST_QUICK = 6;

/** @throws AppError `init.exists` */
export async function refuseExisting(out: string): Promise<void> {
  const there = await stat(out).catch(() => undefined);
  if (there === undefined) return;
  throw new AppError('init.exists', `${out} is there already.`, {
    hint: 'Nothing is overwritten: name another folder with --out, or remove that one.',
  });
}

/**
 * Writes a suite, all of it or nothing.
 * @throws AppError `init.exists`, `suite.not-written`
 */
export async function writeSuite(result: InitResult, prompt: string): Promise<void> {
  const { folder, name } = result.suite;
  const half = `${folder}.new`;
  const write = async (place: string, text: string): Promise<void> => {
    const file = path.join(half, place);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, text);
  };
  const writeJson = (place: string, value: unknown): Promise<void> =>
    write(place, `${JSON.stringify(value, null, 2)}\n`);
  try {
    await rm(half, { recursive: true, force: true });
    await writeJson('suite.json', {
      schema: 'aqe-llm/suite@1',
      name,
      description: `Modules of ${result.project.name ?? name}, measured by the project's own tests.`,
      quick: result.picked.slice(0, MOST_QUICK).map(({ task }) => task.id),
    });
    await write('test-generation/prompt.md', prompt);
    const taken = new Map<string, number>();
    for (const { task } of result.picked) {
      const { id, title, complexity, subject, cluster, measured } = task;
      const at = `test-generation/${id}`;
      taken.set(id, 1);
      await writeJson(`${at}/task.json`, { id, title, complexity, subject, cluster });
      await write(`${at}/${subject}`, task.subjectSource);
      await write(`${at}/reference.test.ts`, task.referenceSource);
      await writeJson(`${at}/measured.json`, measured);
    }
    for (const candidate of result.waiting) {
      const { id, subject } = placeOf(candidate, result.project.name, taken);
      const cluster = candidate.file.replaceAll(/[^\w.-]+/g, '-');
      const complexity = classOf(candidate.complexity);
      const title = titleOf(candidate);
      await writeJson(`waiting/${id}/task.json`, { id, title, complexity, subject, cluster });
      await write(`waiting/${id}/${subject}`, candidate.source);
    }
    await refuseExisting(folder);
    await mkdir(path.dirname(folder), { recursive: true });
    await rename(half, folder);
  } catch (error) {
    await rm(half, { recursive: true, force: true });
    if (error instanceof AppError) throw error;
    throw new AppError('suite.not-written', `${folder} cannot be written: ${messageOf(error)}`, {
      hint: 'Check that the folder above it can be written and has room.',
      cause: error,
    });
  }
}
