import { AppError, ExitCode, messageOf } from '../../core/errors.ts';
import { failureClassOf } from '../../providers/failure.ts';

/** Failures in a row, all for reasons that lie outside of the requests, that stop a batch. */
const FAILURES = 10;

/** What a request may be refused for on its own account. */
const OF_THE_REQUEST: ReadonlySet<string> = new Set([
  'bad-request',
  'context-too-long',
  'unsupported',
]);

/**
 * Tells failures of single requests from an outage. Failures that may be one are held back until it
 * is clear that they are none; those of an outage are never recorded, so that a later run asks again.
 */
export interface OutageWatch<Task> {
  answered(): void;
  /** @throws AppError `batch.stopped` for the last failure of an outage */
  failed(task: Task, error: unknown): void;
  /** Everything was asked: what is held back has failed. */
  settle(): void;
}

/** @param onFailed a request has failed, and it is no outage */
export function watchOutage<Task>(
  onFailed: (task: Task, error: { code: string; message: string }) => void,
): OutageWatch<Task> {
  let held: { task: Task; error: { code: string; message: string } }[] = [];

  function settle(): void {
    const failures = held;
    held = [];
    for (const { task, error } of failures) onFailed(task, error);
  }

  return {
    answered: settle,
    settle,
    failed(task, thrown) {
      const code = thrown instanceof AppError ? thrown.code : 'internal';
      const error = { code, message: messageOf(thrown) };
      if (OF_THE_REQUEST.has(failureClassOf(thrown) ?? '')) {
        settle();
        onFailed(task, error);
        return;
      }
      held.push({ task, error });
      if (held.length >= FAILURES) throw stopped(thrown);
    },
  };
}

function stopped(cause: unknown): AppError {
  const hint = cause instanceof AppError ? cause.hint : undefined;
  return new AppError(
    'batch.stopped',
    `The batch stopped: ${FAILURES} requests in a row failed, the last one so: ${messageOf(cause)}`,
    {
      hint: [hint, 'Run the same command again: it goes on where it stopped.']
        .filter((part) => part !== undefined)
        .join(' '),
      exitCode: ExitCode.GateFailed,
      cause,
    },
  );
}
