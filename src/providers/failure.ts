import { AppError, ExitCode } from '../core/errors.ts';

const FAILURE_CLASSES = [
  'engine-crashed',
  'model-missing',
  'model-unreadable',
  'context-too-long',
  'recording-missing',
  'timeout',
  'unsupported',
  'cancelled',
] as const;

/** What went wrong with a call, as one word that decides whether it is tried again. */
export type FailureClass = (typeof FAILURE_CLASSES)[number];

/** An engine that died may live again; every other class answers the same way twice. */
export function isRetryable(failure: FailureClass): boolean {
  return failure === 'engine-crashed';
}

/** An `AppError` for a failed call, with code `provider.<class>`. */
export function providerFailure(
  failure: FailureClass,
  message: string,
  options: { hint?: string; cause?: unknown } = {},
): AppError {
  return new AppError(`provider.${failure}`, message, {
    ...options,
    exitCode: failure === 'cancelled' ? ExitCode.Interrupted : ExitCode.Usage,
  });
}

/** The failure class of a thrown value, or `undefined` when no provider threw it. */
export function failureClassOf(thrown: unknown): FailureClass | undefined {
  if (!(thrown instanceof AppError)) return undefined;
  return FAILURE_CLASSES.find((failure) => thrown.code === `provider.${failure}`);
}
