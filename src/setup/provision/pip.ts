import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { messageOf } from '../../core/errors.ts';
import type { Environment } from '../model-folder.ts';

type PipResult =
  /** pip ran to its end; `exitCode` is null when a signal ended it. */
  | { state: 'exited'; exitCode: number | null; stderr: string }
  /** No Python with pip was found. */
  | { state: 'absent'; reason: string };

interface PipOptions {
  /** Aborting ends pip and what it started, then rejects with the signal's reason. */
  signal: AbortSignal;
  /** Where pip keeps what it unpacks on its way. */
  temporaryFolder: string;
}

/** Runs `pip <args>` with the user's own pip configuration. */
export type RunPip = (args: readonly string[], options: PipOptions) => Promise<PipResult>;

/** Most characters kept of what pip says. */
const STDERR_CHARACTERS = 8_000;
/** Milliseconds between the polite and the last signal. */
const KILL_DELAY_MS = 2_000;
/** Secrets of others: pip has no use for them. Its own settings begin with `PIP_`. */
const SECRET = /^(?!PIP_).*(KEY|TOKEN|SECRET|PASSW|CREDENTIAL)/i;

/**
 * @param commands Python commands, the first that has pip is used
 * @param env the environment that pip's configuration is read from; secrets of others are left out
 */
export function createPipRunner(commands: readonly string[], env: Environment): RunPip {
  return async (args, options) => {
    const tried: string[] = [];
    for (const command of commands) {
      const result = await runOnce(command, args, env, options);
      if (result.state === 'exited' && !/No module named '?pip\b/.test(result.stderr))
        return result;
      tried.push(`${command}: ${result.state === 'absent' ? result.reason : 'has no pip'}`);
    }
    return { state: 'absent', reason: `no Python with pip was found (${tried.join('; ')})` };
  };
}

async function runOnce(
  command: string,
  args: readonly string[],
  env: Environment,
  { signal, temporaryFolder }: PipOptions,
): Promise<PipResult> {
  signal.throwIfAborted();
  const kept = Object.entries(env).filter(([name]) => !SECRET.test(name));
  const child = spawn(command, ['-m', 'pip', ...args], {
    env: {
      ...Object.fromEntries(kept),
      TMPDIR: temporaryFolder,
      TEMP: temporaryFolder,
      TMP: temporaryFolder,
    },
    stdio: ['ignore', 'ignore', 'pipe'],
    // A group of its own, so that an abort reaches pip's children too.
    detached: process.platform !== 'win32',
    windowsHide: true,
  });
  let stderr = '';
  child.stderr.setEncoding('utf8');
  child.stderr.on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_CHARACTERS);
  });
  let lastSignal: NodeJS.Timeout | undefined;
  const stop = (): void => {
    sendSignal(child, 'SIGINT');
    lastSignal = setTimeout(() => sendSignal(child, 'SIGKILL'), KILL_DELAY_MS);
  };
  signal.addEventListener('abort', stop, { once: true });
  try {
    const result = await new Promise<PipResult>((resolve) => {
      child.once('error', (error) => resolve({ state: 'absent', reason: messageOf(error) }));
      child.once('close', (exitCode) => resolve({ state: 'exited', exitCode, stderr }));
    });
    signal.throwIfAborted();
    return result;
  } finally {
    clearTimeout(lastSignal);
    signal.removeEventListener('abort', stop);
  }
}

function sendSignal(child: ChildProcess, name: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    if (process.platform === 'win32') child.kill(name);
    else process.kill(-child.pid, name);
  } catch {
    // It ended by itself in between.
  }
}
