import type { Clock } from '../../core/clock.ts';
import { ProviderFailure } from '../failure.ts';
import { startEngineChild } from './engine-child.ts';
import type { EngineChild } from './engine-child.ts';
import type { EngineJob, EngineProgress, EngineResult, ResultOf } from './protocol.ts';
import { createTurnstile } from './turnstile.ts';

const CRASH_WINDOW_MS = 60_000;
const CRASHES_ALLOWED = 3;

export interface EngineClientOptions {
  entry: URL;
  argument: string;
  environment: Record<string, string>;
  clock: Clock;
}

export interface RunOptions {
  signal?: AbortSignal | undefined;
  onProgress?: (progress: EngineProgress) => void;
}

/** The engine as its users see it: always there, however often its process dies. */
export interface EngineClient {
  /**
   * Runs a job in the engine process, which is started when there is none. Generations and
   * embeddings take turns in the order they came; counting does not wait for them.
   * An abort rejects at once with class `cancelled`, a dead process with `engine-crashed`.
   */
  run<Kind extends EngineJob['kind']>(
    job: EngineJob & { kind: Kind },
    options?: RunOptions,
  ): Promise<ResultOf<Kind>>;
  /** Ends the process and every job; later jobs are refused. Safe to call twice. */
  shutdown(): Promise<void>;
}

export function createEngineClient(options: EngineClientOptions): EngineClient {
  const turnstile = createTurnstile();
  const closing = new AbortController();
  let child: EngineChild | undefined;
  let crashes: number[] = [];
  let closed: Promise<void> | undefined;

  function currentChild(): EngineChild {
    if (child !== undefined) return child;
    refuseAfterManyCrashes();
    child = startEngineChild({
      ...options,
      onCrash() {
        child = undefined;
        crashes.push(options.clock.monotonic());
      },
    });
    return child;
  }

  function refuseAfterManyCrashes(): void {
    const now = options.clock.monotonic();
    crashes = crashes.filter((at) => now - at < CRASH_WINDOW_MS);
    if (crashes.length < CRASHES_ALLOWED) return;
    throw new ProviderFailure(
      'engine-crashed',
      `The engine process crashed ${crashes.length} times within a minute; it is not started again for now.`,
      {
        hint: 'Run `aqe-llm setup doctor`; choose a smaller model or context if memory is short, or turn the GPU off.',
      },
    );
  }

  /** Settles as soon as the caller may go on; `release` runs when the engine is free again. */
  async function send(
    engine: EngineChild,
    job: EngineJob,
    signal: AbortSignal,
    onProgress: (progress: EngineProgress) => void,
    release: () => void,
  ): Promise<EngineResult> {
    return new Promise((resolve, reject) => {
      const cancel = engine.send(job, {
        progress(progress) {
          if (!signal.aborted) onProgress(progress);
        },
        done(result) {
          finish();
          resolve(result);
        },
        failed(error) {
          finish();
          reject(error);
        },
      });
      const abort = (): void => {
        cancel();
        reject(cancelledFailure());
      };
      function finish(): void {
        signal.removeEventListener('abort', abort);
        release();
      }
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** Throws `cancelled` when the signal ends the wait. */
  async function takeTurn(job: EngineJob, signal: AbortSignal): Promise<() => void> {
    if (signal.aborted) throw cancelledFailure();
    if (job.kind !== 'generate' && job.kind !== 'embed') return () => {};
    return turnstile.enter(signal).catch(() => {
      throw cancelledFailure();
    });
  }

  return {
    async run(job, { signal, onProgress = () => {} } = {}) {
      const ends =
        signal === undefined ? closing.signal : AbortSignal.any([signal, closing.signal]);
      const release = await takeTurn(job, ends);
      let engine: EngineChild;
      try {
        if (ends.aborted) throw cancelledFailure();
        engine = currentChild();
      } catch (error) {
        release();
        throw error;
      }
      const result = await send(engine, job, ends, onProgress, release);
      if (!isResultOf(result, job.kind)) throw new Error(`The engine answered with ${result.kind}`);
      return result;
    },
    async shutdown() {
      closing.abort();
      closed ??= child?.stop() ?? Promise.resolve();
      await closed;
    },
  };
}

function isResultOf<Kind extends EngineResult['kind']>(
  result: EngineResult,
  kind: Kind,
): result is EngineResult & ResultOf<Kind> {
  return result.kind === kind;
}

function cancelledFailure(): Error {
  return new ProviderFailure('cancelled', 'The call was cancelled.');
}
