import { AppError, ExitCode, messageOf } from '../../core/errors.ts';
import type { GlobalFlags, Host } from '../main.ts';

/** Tells an error in words, or as JSON under `--json`, and gives its exit code. */
export function reportError(error: unknown, host: Host, flags: GlobalFlags): ExitCode {
  const known = error instanceof AppError ? error : undefined;
  const exitCode = known?.exitCode ?? ExitCode.Usage;
  if (flags.json === true) {
    const { code, hint, problems } = known ?? {};
    const body = { code: code ?? 'internal', message: messageOf(error), hint, problems, exitCode };
    host.stdout.write(`${JSON.stringify({ error: body })}\n`);
  }
  const lines = [`error: ${messageOf(error)}`];
  for (const problem of known?.problems ?? []) lines.push(`  ${problem.path}: ${problem.message}`);
  if (known?.hint !== undefined) lines.push(`hint: ${known.hint}`);
  if (known === undefined) {
    lines.push('hint: This is a defect of aqe-llm. Run again with --verbose for its stack trace.');
  }
  if (flags.verbose === true && error instanceof Error) lines.push(stackOf(error));
  host.stderr.write(`${lines.join('\n')}\n`);
  return exitCode;
}

function stackOf(error: Error): string {
  const stack = error.stack ?? '';
  return error.cause instanceof Error ? `${stack}\ncaused by ${stackOf(error.cause)}` : stack;
}
