import { AppError } from '../../core/errors.ts';
import type { SandboxEvent, SandboxExit, SandboxLimits } from '../sandbox/sandbox.ts';

/**
 * A test may await as long as its timeout allows, but it may not keep the event loop from turning for longer than
 * `idleMs`: then it hangs, and only ending the process helps.
 */
export const LIMITS: SandboxLimits = {
  idleMs: 3000,
  startMs: 60_000,
  wallMs: 15 * 60_000,
  memoryMb: 512,
  outputBytes: 64 * 1024 * 1024,
};

export function describeExit(exit: SandboxExit): string {
  switch (exit.reason) {
    case 'exited':
      return `ended the process (exit code ${exit.code})`;
    case 'signal':
      return `ended the process (${exit.signal})`;
    case 'memory':
      return `used more than ${LIMITS.memoryMb} MiB of memory`;
    case 'output':
      return 'wrote too much output';
    default:
      return 'does not come to an end';
  }
}

/** A driver that ended before it ran anything. */
export function driverFailure(event: Extract<SandboxEvent, { type: 'exit' }>): AppError {
  return new AppError('execution.failed', `The test driver ${describeExit(event.state)}.`, {
    hint: 'Run `aqe-llm setup doctor` to see which sandbox is used and whether it works.',
    cause: new Error(event.stderr),
  });
}
