import { setMaxListeners } from 'node:events';
import type { Clock } from '../core/clock.ts';
import { createEventQueue } from '../core/event-queue.ts';
import type { RandomIndex } from '../core/random.ts';
import type { CompletionRequest } from '../core/request.ts';
import type { Provider } from '../providers/provider.ts';
import { takeSample, type Sample } from './sample.ts';

/** How requests arrive: a fixed number at once, or by the clock whatever the server does. */
export type Arrivals =
  | { kind: 'closed'; concurrency: number }
  | { kind: 'open'; ratePerSecond: number };

export interface LoadStep {
  arrivals: Arrivals;
  /** Requests that count. */
  requests: number;
}

export interface LoadDeps {
  provider: Provider;
  clock: Clock;
  nextRequest: () => CompletionRequest;
  /** Draws the times between arrivals. */
  randomIndex: RandomIndex;
}

export type LoadEvent =
  /** The warm-up is over: what comes counts. */
  { type: 'measuring' } | { type: 'sample'; sample: Sample; done: number };

/**
 * Sends a step's requests and yields each as it ends. A closed loop first sends one request per place, which
 * do not count, and waits for them; an open loop sends one.
 * @throws the signal's reason when aborted; no request is left running, nor when the reader leaves early
 */
export async function* runStep(
  step: LoadStep,
  deps: LoadDeps,
  signal: AbortSignal,
): AsyncGenerator<LoadEvent, void> {
  const { arrivals, requests } = step;
  const left = new AbortController();
  const stop = AbortSignal.any([signal, left.signal]);
  // Every running request listens to it.
  setMaxListeners(0, stop);
  const queue = createEventQueue<LoadEvent>();
  const send = (startedMs?: number) =>
    takeSample(deps.provider, deps.nextRequest(), deps.clock, stop, startedMs);
  let done = 0;
  const measured = async (startedMs?: number): Promise<void> => {
    const sample = await send(startedMs);
    done += 1;
    queue.push({ type: 'sample', sample, done });
  };

  const work = async (): Promise<void> => {
    const warmUp = arrivals.kind === 'closed' ? Math.min(arrivals.concurrency, requests) : 1;
    await Promise.all(Array.from({ length: warmUp }, () => send()));
    queue.push({ type: 'measuring' });
    if (arrivals.kind === 'closed') await keepBusy(arrivals.concurrency, requests, measured);
    else await arrive(arrivals.ratePerSecond, requests, deps, stop, measured);
  };
  const finished = work().then(
    () => queue.close(),
    (error: unknown) => queue.fail(error),
  );
  try {
    yield* queue;
  } finally {
    left.abort();
    await finished;
  }
}

async function keepBusy(
  concurrency: number,
  requests: number,
  send: () => Promise<void>,
): Promise<void> {
  let begun = 0;
  const place = async (): Promise<void> => {
    while (begun < requests) {
      begun += 1;
      await send();
    }
  };
  await Promise.all(Array.from({ length: concurrency }, place));
}

const DRAWS = 2 ** 31 - 1;

/** Poisson arrivals: the times between them are exponential. Latency counts from when a request was due. */
async function arrive(
  ratePerSecond: number,
  requests: number,
  { clock, randomIndex }: LoadDeps,
  signal: AbortSignal,
  send: (dueMs: number) => Promise<void>,
): Promise<void> {
  const running: Promise<void>[] = [];
  let dueMs = clock.monotonic();
  try {
    for (let index = 0; index < requests; index++) {
      const uniform = (randomIndex(DRAWS) + 1) / (DRAWS + 1);
      dueMs += (-Math.log(uniform) / ratePerSecond) * 1000;
      const wait = dueMs - clock.monotonic();
      if (wait > 0) await clock.sleep(wait, signal);
      running.push(send(dueMs));
    }
    await Promise.all(running);
  } finally {
    await Promise.allSettled(running);
  }
}
