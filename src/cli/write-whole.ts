import { open, rename, rm } from 'node:fs/promises';
import { AppError, messageOf } from '../core/errors.ts';

/**
 * Writes lines to a file that is there whole or not at all.
 * @param name the file as the user calls it
 * @throws AppError of the code
 */
export async function writeWhole(
  target: string,
  name: string,
  lines: Iterable<string>,
  signal: AbortSignal,
  code = 'patterns.unwritable',
): Promise<void> {
  const part = `${target}.part`;
  try {
    const handle = await open(part, 'w');
    try {
      for (const line of lines) {
        signal.throwIfAborted();
        await handle.write(`${line}\n`);
      }
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(part, target);
  } catch (error) {
    await rm(part, { force: true });
    if (error instanceof AppError) throw error;
    throw new AppError(code, `${name} cannot be written: ${messageOf(error)}`, {
      hint: 'Choose a file in a folder that exists and can be written.',
      cause: error,
    });
  }
}
