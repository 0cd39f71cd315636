import { AppError } from '../../core/errors.ts';

/** One source cannot give the file; another may. `model.source-interrupted` is worth another try, `model.source-failed` is not. */
export function sourceFailure(
  reason: string,
  options: { cause?: unknown; interrupted?: boolean } = {},
): AppError {
  const code = options.interrupted === true ? 'model.source-interrupted' : 'model.source-failed';
  return new AppError(code, reason, { cause: options.cause });
}

export function isSourceFailure(error: unknown): error is AppError {
  return (
    error instanceof AppError &&
    (error.code === 'model.source-failed' || error.code === 'model.source-interrupted')
  );
}

/** Whether the same source is worth another try. */
export function isInterruption(error: unknown): error is AppError {
  return error instanceof AppError && error.code === 'model.source-interrupted';
}

/** The code of a system error (`ENOSPC`, `ECONNRESET`), its causes searched too. */
export function systemErrorCode(error: unknown): string | undefined {
  for (let thrown = error; thrown instanceof Error; thrown = thrown.cause) {
    if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  }
  return undefined;
}
