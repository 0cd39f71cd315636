import { fork } from 'node:child_process';
import { Socket } from 'node:net';
import type { Clock } from '../../core/clock.ts';
import { ProviderFailure } from '../failure.ts';
import { engineOutputSchema } from './protocol.ts';
import type { EngineInput, EngineJob, EngineProgress, EngineResult } from './protocol.ts';

/** Milliseconds the engine gets to end by itself before it is killed. */
const STOP_GRACE_MS = 3_000;
const STDERR_TAIL_CHARACTERS = 4_096;

/** Somebody who waits for the end of a job. Exactly one of `done` and `failed` is called. */
export interface JobListener {
  progress(progress: EngineProgress): void;
  done(result: EngineResult): void;
  failed(error: Error): void;
}

export interface EngineChildOptions {
  /** The compiled module of the engine process. */
  entry: URL;
  /** Its one argument. */
  argument: string;
  environment: Record<string, string>;
  clock: Clock;
  /** Called when the process ended without having been told to. */
  onCrash(): void;
}

/** One life of the engine process. */
export interface EngineChild {
  /** Hands a job over; the returned function asks the engine to give it up. */
  send(job: EngineJob, listener: JobListener): () => void;
  /** Ends the process, by force if it does not comply. Jobs in flight fail with class `cancelled`. */
  stop(): Promise<void>;
}

export function startEngineChild(options: EngineChildOptions): EngineChild {
  const child = fork(options.entry, [options.argument], {
    env: options.environment,
    execArgv: [],
    serialization: 'advanced',
    // The native libraries print as they please; nothing of it may reach the terminal.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const listeners = new Map<number, JobListener>();
  let lastId = 0;
  let stopping = false;
  let stderr = '';

  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_TAIL_CHARACTERS);
  });
  const exited = new Promise<void>((resolve) => {
    child.once('exit', (code, signal) => {
      ended(signal === null ? `with exit code ${code}` : `by ${signal}`);
      resolve();
    });
    child.once('error', (error) => {
      stderr ||= error.message;
      if (child.pid !== undefined) return;
      ended('before it started');
      resolve();
    });
  });

  function ended(how: string): void {
    if (!stopping) options.onCrash();
    const waiting = [...listeners.values()];
    listeners.clear();
    for (const listener of waiting) {
      listener.failed(stopping ? stoppedFailure() : crashFailure(how, stderr));
    }
  }

  /** An idle engine must not keep the program from ending. */
  function keepAlive(busy: boolean): void {
    const handles = [child, child.channel, child.stderr instanceof Socket ? child.stderr : null];
    for (const handle of handles) {
      if (busy) handle?.ref();
      else handle?.unref();
    }
  }

  function tell(input: EngineInput): void {
    // A process that is gone reports itself by its exit; the failed write says nothing more.
    child.send(input, () => {});
  }

  child.on('message', (message) => {
    const parsed = engineOutputSchema.safeParse(message);
    if (!parsed.success) {
      stderr = parsed.error.message;
      child.kill('SIGKILL');
      return;
    }
    const output = parsed.data;
    const listener = listeners.get(output.id);
    if (listener === undefined) return;
    if (output.type === 'prompt' || output.type === 'token') {
      listener.progress(output);
      return;
    }
    listeners.delete(output.id);
    if (listeners.size === 0 && !stopping) keepAlive(false);
    if (output.type === 'done') listener.done(output.result);
    else {
      const hint = output.hint === null ? {} : { hint: output.hint };
      listener.failed(new ProviderFailure(output.failure, output.message, hint));
    }
  });

  return {
    send(job, listener) {
      lastId += 1;
      const id = lastId;
      listeners.set(id, listener);
      keepAlive(true);
      tell({ type: 'job', id, job });
      return () => tell({ type: 'cancel', id });
    },
    async stop() {
      stopping = true;
      keepAlive(true);
      tell({ type: 'stop' });
      const grace = new AbortController();
      const overdue = options.clock.sleep(STOP_GRACE_MS, grace.signal).then(
        () => child.kill('SIGKILL'),
        () => false,
      );
      await exited;
      grace.abort();
      await overdue;
    },
  };
}

function stoppedFailure(): Error {
  return new ProviderFailure('cancelled', 'The engine was shut down before it had answered.');
}

function crashFailure(how: string, stderr: string): Error {
  return new ProviderFailure('engine-crashed', `The engine process ended ${how}.`, {
    hint: 'The next call starts a fresh one. If it happens again, the machine may be short of memory: choose a smaller model or a smaller context.',
    ...(stderr === '' ? {} : { cause: new Error(stderr.trim()) }),
  });
}
