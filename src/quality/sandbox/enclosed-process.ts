import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import type { Clock } from '../../core/clock.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import { endingOf } from './ending.ts';
import { guarded, type Launch } from './launch.ts';
import { LineQueue } from './line-queue.ts';
import { groupMemoryMb } from './process-group.ts';
import type { SandboxEvent, SandboxExit, SandboxLimits } from './sandbox.ts';

type KillReason = 'idle' | 'wall' | 'memory' | 'output' | 'aborted';

/** Milliseconds that pipes may stay open after the program ended, before we stop listening. */
const pipeGraceMs = 1000;
const memoryWatchMs = 250;

export interface EnclosedJob {
  launch: Launch;
  folder: string;
  stdin: string;
  limits: SandboxLimits;
}

/** One launch in a process group of its own. It starts when constructed and must be closed. */
export class EnclosedProcess {
  readonly #job: EnclosedJob;
  readonly #clock: Clock;
  readonly #child: ChildProcess;
  readonly #lines = new LineQueue();
  readonly #stderr: Buffer[] = [];
  readonly #bytes = { stdout: 0, stderr: 0 };
  readonly #startedAt: number;
  readonly #finished = new AbortController();
  #lastLineAt: number;
  #hasSpoken = false;
  #killed: KillReason | undefined;
  #failure: Error | undefined;
  #stopped: Promise<void> = Promise.resolve();
  #wake: () => void = () => undefined;

  constructor(job: EnclosedJob, clock: Clock) {
    this.#job = job;
    this.#clock = clock;
    this.#startedAt = clock.monotonic();
    this.#lastLineAt = this.#startedAt;
    const [shell = '', ...shellArguments] = guarded(job.launch, job.folder);
    this.#child = spawn(shell, shellArguments, {
      cwd: job.folder,
      env: job.launch.environment,
      detached: true,
      stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    });
    this.#listen();
    this.#child.stdin?.end(job.stdin);
    void quietly(this.#guardTime());
    if (job.launch.memory.guard === 'watch')
      void quietly(this.#guardMemory(job.launch.memory.limitMb));
  }

  /** Lines as they come, then the ending. */
  async *events(): AsyncGenerator<SandboxEvent, void, undefined> {
    for (;;) {
      const line = this.#lines.shift();
      if (line !== undefined) yield { type: 'line', line };
      else if (this.#finished.signal.aborted) break;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#failure !== undefined) {
      throw new AppError(
        'sandbox.start-failed',
        `The sandbox did not start: ${messageOf(this.#failure)}`,
        {
          cause: this.#failure,
        },
      );
    }
    const rest = this.#lines.rest();
    // Cut off by a kill, the last line is not a line.
    if (this.#killed === undefined && rest !== '') yield { type: 'line', line: rest };
    const stderr = Buffer.concat(this.#stderr).toString('utf8');
    yield { type: 'exit', state: this.#ending(stderr), stderr };
  }

  /** Kills the group for a reason; the first reason stays. */
  kill(reason: KillReason): void {
    if (this.#killed !== undefined || this.#finished.signal.aborted) return;
    this.#killed = reason;
    this.#killGroup();
    const { stop, environment } = this.#job.launch;
    // After its client is dead, so that the client cannot start what was just removed.
    if (stop !== undefined) this.#stopped = stopOutside(stop, environment);
  }

  /** Kills what still runs and resolves when nothing does. */
  async close(): Promise<void> {
    this.kill('aborted');
    const { signal } = this.#finished;
    if (!signal.aborted) {
      await new Promise<void>((resolve) =>
        signal.addEventListener('abort', () => resolve(), { once: true }),
      );
    }
    await this.#stopped;
    for (const stream of this.#child.stdio) stream?.destroy();
  }

  #listen(): void {
    const child = this.#child;
    child.stdout?.on('data', (chunk: Buffer) => {
      if (!this.#admits('stdout', chunk)) return;
      if (this.#lines.push(chunk)) {
        this.#lastLineAt = this.#clock.monotonic();
        this.#hasSpoken = true;
      }
      this.#wake();
    });
    child.stderr?.on('data', (chunk: Buffer) => {
      if (this.#admits('stderr', chunk)) this.#stderr.push(chunk);
    });
    // A program that ends before it has read its input breaks the pipe; that is its right.
    for (const stream of child.stdio) stream?.on('error', () => undefined);
    child.on('error', (error) => {
      this.#failure = error;
      this.#finish();
    });
    child.on('exit', () => {
      this.#killGroup();
      const grace = this.#clock.sleep(pipeGraceMs, this.#finished.signal);
      void quietly(grace).then(() => this.#finish());
    });
    child.on('close', () => this.#finish());
  }

  /** Counts a chunk; false when it is not wanted, so that nothing beyond the cap is ever kept. */
  #admits(stream: 'stdout' | 'stderr', chunk: Buffer): boolean {
    if (this.#killed !== undefined) return false;
    this.#bytes[stream] += chunk.length;
    if (this.#bytes[stream] <= this.#job.limits.outputBytes) return true;
    this.kill('output');
    return false;
  }

  #ending(stderr: string): SandboxExit {
    return this.#killed === undefined
      ? endingOf(this.#child.exitCode, this.#child.signalCode, stderr)
      : { reason: this.#killed };
  }

  #finish(): void {
    this.#finished.abort();
    this.#wake();
  }

  async #guardTime(): Promise<void> {
    const { idleMs, startMs = idleMs, wallMs } = this.#job.limits;
    const wallAt = this.#startedAt + wallMs;
    for (;;) {
      const quietMs = this.#hasSpoken ? idleMs : startMs;
      const dueAt = Math.min(wallAt, this.#lastLineAt + quietMs);
      const leftMs = dueAt - this.#clock.monotonic();
      if (leftMs > 0) {
        // A first line makes the time that is left shorter.
        await this.#clock.sleep(Math.min(leftMs, idleMs), this.#finished.signal);
        continue;
      }
      if (dueAt === wallAt) return this.kill('wall');
      // We may have been too busy to read what is already there: read once, then judge.
      const seen = this.#lastLineAt;
      await nextTurn();
      if (seen === this.#lastLineAt) return this.kill('idle');
    }
  }

  async #guardMemory(limitMb: number): Promise<void> {
    for (;;) {
      await this.#clock.sleep(memoryWatchMs, this.#finished.signal);
      if ((await groupMemoryMb(this.#child.pid ?? 0)) > limitMb) return this.kill('memory');
    }
  }

  /** SIGKILL to the enclosing tool and everything in its group. */
  #killGroup(): void {
    if (this.#child.pid === undefined) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // Nobody is left in the group.
    }
  }
}

async function stopOutside(
  command: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<void> {
  const [tool = '', ...args] = command;
  // Fails when the container was never made or is gone already, which is what we want.
  await quietly(promisify(execFile)(tool, args, { env, timeout: 10_000, killSignal: 'SIGKILL' }));
}

/** Waits, and does not mind a wait that was ended early. */
async function quietly(work: Promise<unknown>): Promise<void> {
  try {
    await work;
  } catch {
    // Ended early.
  }
}
