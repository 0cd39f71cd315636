import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerProcess {
  url: string;
  stop(): Promise<void>;
  /** As `kill -9` does, to the server and what it has started; returns when it is gone. */
  kill(): Promise<void>;
}

export interface ServerCommand {
  command: string;
  args: readonly string[];
  env?: Readonly<Record<string, string>>;
  url: string;
  /** Answers 200 once the server is ready. */
  readyPath: string;
}

/** Options of a command line; `true` is one without a value. */
export function flags(values: Readonly<Record<string, string | true>>): string[] {
  return Object.entries(values).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, value],
  );
}

/** vLLM imports for a minute before it listens, longer on a busy machine. */
const READY_MS = 600_000;
const STOP_MS = 15_000;
const LOG_CHARACTERS = 4000;

/** Starts a server and waits until it is ready; it is stopped by its process group. */
export async function startProcess(server: ServerCommand): Promise<ServerProcess> {
  const { command, args, env, url, readyPath } = server;
  const child = spawn(command, [...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Servers start processes of their own, which are to end with them.
    detached: true,
  });
  let log = '';
  const keep = (chunk: unknown): void => {
    log = (log + String(chunk)).slice(-LOG_CHARACTERS);
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const over = new AbortController();
  child.once('error', (error) => {
    keep(error);
    over.abort();
  });
  const closed = new Promise<void>((resolve) => {
    child.once('close', () => {
      over.abort();
      resolve();
    });
  });

  function kill(signal: NodeJS.Signals): void {
    if (over.signal.aborted || child.pid === undefined) return;
    process.kill(-child.pid, signal);
  }
  const killNow = (): void => kill('SIGKILL');
  process.once('exit', killNow);

  async function stop(): Promise<void> {
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      kill(signal);
      await sleep(STOP_MS, undefined, { signal: over.signal }).catch(() => {});
    }
    process.off('exit', killNow);
  }

  async function killAndWait(): Promise<void> {
    killNow();
    await closed;
    process.off('exit', killNow);
  }

  const giveUp = AbortSignal.timeout(READY_MS);
  while (!giveUp.aborted && !over.signal.aborted) {
    const answer = await fetch(`${url}${readyPath}`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok === true) return { url, stop, kill: killAndWait };
    await sleep(200);
  }
  await stop();
  throw new Error(`${command} did not become ready. The end of its log:\n${log}`);
}
