import { open } from 'node:fs/promises';
import { providerFailure } from '../failure.ts';

const GGUF_MAGIC = 'GGUF';
export const MODEL_HINT = 'Run `aqe-llm setup` to fetch a model, or name another GGUF file.';

/**
 * Checks, without loading it, that a path is a file that starts like a GGUF model.
 * @returns the file's size in bytes
 * @throws AppError of failure class `model-missing` or `model-unreadable`
 */
export async function checkModelFile(path: string): Promise<number> {
  const file = await open(path, 'r').catch((error: unknown) => {
    throw openFailure(path, error);
  });
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw unreadable(`The model path is not a file: ${path}`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(GGUF_MAGIC.length), 0);
    if (buffer.toString('latin1', 0, bytesRead) !== GGUF_MAGIC) {
      throw unreadable(`The file is not a GGUF model: ${path}`);
    }
    return stats.size;
  } finally {
    await file.close();
  }
}

function openFailure(path: string, error: unknown) {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return providerFailure('model-missing', `There is no model file at ${path}`, {
      hint: MODEL_HINT,
      cause: error,
    });
  }
  return providerFailure('model-unreadable', `The model file cannot be opened: ${path}`, {
    hint: 'Check that the path is right and that you may read it.',
    cause: error,
  });
}

function unreadable(message: string) {
  return providerFailure('model-unreadable', message, { hint: MODEL_HINT });
}
