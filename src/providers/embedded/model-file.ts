import { open, stat } from 'node:fs/promises';
import { AppError } from '../../core/errors.ts';
import { ProviderFailure } from '../failure.ts';

const GGUF_MAGIC = 'GGUF';
export const MODEL_HINT = 'Run `aqe-llm setup` to fetch a model, or name another GGUF file.';

/**
 * Checks, without loading it, that a path is a file that starts like a GGUF model.
 * @returns the file's size in bytes
 * @throws AppError of failure class `model-missing` or `model-unreadable`
 */
export async function checkModelFile(path: string): Promise<number> {
  try {
    // Looked at before it is opened: opening a named pipe would wait for a writer.
    const stats = await stat(path);
    if (!stats.isFile()) throw unreadable(`The model path is not a file: ${path}`);
    if ((await firstBytes(path, GGUF_MAGIC.length)) !== GGUF_MAGIC) {
      throw unreadable(`The file is not a GGUF model: ${path}`);
    }
    return stats.size;
  } catch (error) {
    throw error instanceof AppError ? error : openFailure(path, error);
  }
}

async function firstBytes(path: string, count: number): Promise<string> {
  const file = await open(path, 'r');
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(count), 0);
    return buffer.toString('latin1', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function openFailure(path: string, error: unknown) {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new ProviderFailure('model-missing', `There is no model file at ${path}`, {
      hint: MODEL_HINT,
      cause: error,
    });
  }
  return new ProviderFailure('model-unreadable', `The model file cannot be opened: ${path}`, {
    hint: 'Check that the path is right and that you may read it.',
    cause: error,
  });
}

function unreadable(message: string) {
  return new ProviderFailure('model-unreadable', message, { hint: MODEL_HINT });
}
