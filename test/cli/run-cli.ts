import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { run, type Host } from '../../src/cli/main.ts';

export const BIN = fileURLToPath(new URL('../../bin/aqe-llm.js', import.meta.url));

export interface CliOptions {
  cwd: string;
  /** Added to the environment of the tests; `undefined` takes a variable away. */
  env?: Record<string, string | undefined>;
  /** Columns of a terminal on both streams; a pipe when absent. */
  terminal?: number;
  signal?: AbortSignal;
  /** What standard input holds; that of the tests when absent. */
  stdin?: string;
}

export interface CliResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Runs one command line in this process. */
export async function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  const stdout = capture(options.terminal);
  const stderr = capture(options.terminal);
  const host: Host = {
    argv: ['node', 'aqe-llm', ...args],
    env: environment(options.env),
    cwd: options.cwd,
    stdout: stdout.stream,
    stderr: stderr.stream,
    stdin: options.stdin === undefined ? process.stdin : inputOf(options.stdin),
    signal: options.signal ?? new AbortController().signal,
  };
  const exitCode = await run(host);
  return { exitCode, stdout: stdout.text(), stderr: stderr.text() };
}

export interface Spawned {
  child: ChildProcess;
  stdout: () => string;
  stderr: () => string;
  /** Exit code or signal. */
  ended: Promise<number | NodeJS.Signals>;
}

/** Starts the built program as a process of its own. */
export function spawnCli(args: readonly string[], { cwd, env }: CliOptions): Spawned {
  const child = spawn(process.execPath, [BIN, ...args], {
    cwd,
    env: environment(env),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const text = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (text.stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (text.stderr += chunk));
  return {
    child,
    stdout: () => text.stdout,
    stderr: () => text.stderr,
    ended: once(child, 'close').then(([code, signal]: (number | NodeJS.Signals | null)[]) => {
      return code ?? signal ?? 'SIGKILL';
    }),
  };
}

function environment(changes: CliOptions['env'] = {}): NodeJS.ProcessEnv {
  // What the machine that runs the tests happens to say must not show in what the program prints.
  const inherited = Object.entries(process.env).filter(
    ([name]) => !/^(NO_COLOR|FORCE_COLOR|CI|AQE_LLM_(?!TEST_).*)$/.test(name),
  );
  return Object.fromEntries([...inherited, ...Object.entries(changes)]);
}

function inputOf(text: string): NodeJS.ReadStream {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stream in place of a pipe's socket
  return Object.assign(Readable.from([Buffer.from(text)]), {
    isTTY: false,
  }) as unknown as NodeJS.ReadStream;
}

function capture(columns: number | undefined): { stream: NodeJS.WriteStream; text: () => string } {
  const chunks: Buffer[] = [];
  const stream = Object.assign(new PassThrough(), {
    isTTY: columns !== undefined,
    columns: columns ?? 0,
    rows: 24,
    clearLine: () => true,
    cursorTo: () => true,
    moveCursor: () => true,
    clearScreenDown: () => true,
    getColorDepth: () => 8,
    hasColors: () => true,
    getWindowSize: (): [number, number] => [columns ?? 0, 24],
    bufferSize: 0,
  });
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  return {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- a stream in place of a terminal's socket
    stream: stream as unknown as NodeJS.WriteStream,
    text: () => Buffer.concat(chunks).toString(),
  };
}
