import { AppError, type ExitCode } from '../core/errors.ts';
import type { Write } from './recorder.ts';

/** What the thread is started with. */
export interface WriterData {
  stateFolder: string;
  /** Milliseconds that a write waits for another process's. */
  lockMs: number;
}

/** To the thread: writes that came together, that it is time to tidy the journal of the database, or the word to end. */
export type ToWriter = Write[] | 'checkpoint' | 'close';

/** From the thread: so many of the oldest writes are done; those at these places among them failed. */
export interface FromWriter {
  done: number;
  failed: { place: number; failure: Failure }[];
}

/** An error on its way between threads, which would lose its class. */
export interface Failure {
  /** Absent on what is no `AppError`. */
  code?: string;
  message: string;
  hint?: string;
  exitCode?: ExitCode;
}

export function failureOf(thrown: unknown): Failure {
  if (!(thrown instanceof AppError)) {
    return { message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  const { code, message, hint, exitCode } = thrown;
  return { code, message, exitCode, ...(hint === undefined ? {} : { hint }) };
}

export function errorOf({ code, message, hint, exitCode }: Failure): Error {
  if (code === undefined) return new Error(message);
  return new AppError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(exitCode === undefined ? {} : { exitCode }),
  });
}
