/** Process exit codes, the same for every command. */
export const ExitCode = {
  /** Everything asked for was done and every gate passed. */
  Ok: 0,
  /** A gate or a check found something: the work ran, its verdict is negative. */
  GateFailed: 1,
  /** Wrong usage, wrong configuration, or an internal failure. */
  Usage: 2,
  /** A rollout was rolled back, or spending is over its budget. */
  RolledBack: 3,
  /** Not enough data for a verdict. */
  Inconclusive: 4,
  /** Another process holds the lock. */
  LockConflict: 5,
  /** Stopped by Ctrl-C (128 + SIGINT). */
  Interrupted: 130,
} as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/** One thing wrong with an input, and where. */
export interface Problem {
  /** Dotted path inside the input (`providers.embedded.threads`), or a file and line. */
  path: string;
  message: string;
}

export interface AppErrorOptions {
  /** What the user can do next. */
  hint?: string;
  exitCode?: ExitCode;
  problems?: readonly Problem[];
  cause?: unknown;
}

/**
 * The one error class of the project: `message` says what happened, `hint` what to do next.
 * `code` is stable and machine-readable (`config.invalid`, `provider.timeout`).
 */
export class AppError extends Error {
  readonly code: string;
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;
  readonly problems: readonly Problem[];

  constructor(code: string, message: string, options: AppErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'AppError';
    this.code = code;
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? ExitCode.Usage;
    this.problems = options.problems ?? [];
  }
}

/** The message of anything thrown, errors or not. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
