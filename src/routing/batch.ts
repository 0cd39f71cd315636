import { setMaxListeners } from 'node:events';
import type { Clock } from '../core/clock.ts';
import { createEventQueue, type EventQueue } from '../core/event-queue.ts';
import type { BatchFile } from './batch/batch-file.ts';
import { createConvenience, type ConvenienceOptions } from './batch/convenience.ts';
import type { BatchInput } from './batch/input.ts';
import type { BatchEvent } from './batch/event.ts';
import { groupLines, type BatchGroup } from './batch/groups.ts';
import { runLanes, type LaneWatch } from './batch/lanes.ts';
import { watchOutage } from './batch/outage.ts';
import { answerOf, type BatchOutcome } from './batch/result.ts';
import type { Router } from './router.ts';

export type { BatchEvent } from './batch/event.ts';

export interface BatchOptions {
  router: Pick<Router, 'complete' | 'explain' | 'models'>;
  input: BatchInput;
  file: BatchFile;
  /** Requests at once; as many as each target can when absent. */
  concurrency?: number | undefined;
  /** Sends what may wait a day to the provider's own batches, and takes up those of earlier runs. */
  convenience: Omit<ConvenienceOptions, 'router' | 'file' | 'clock'>;
  /** Nothing is begun after it aborts; what runs has `graceMs` to end. */
  signal: AbortSignal;
  graceMs?: number;
  clock: Clock;
}

const GRACE_MS = 10_000;

/**
 * Answers every line that has no result yet and records it. The failure of a line is its result; an
 * outage ends the batch, which a later run goes on with.
 * @throws the signal's reason; AppError `batch.stopped`, `batch.unwritable`, or of a provider's batch
 */
export async function* runBatch(options: BatchOptions): AsyncGenerator<BatchEvent> {
  const events = createEventQueue<BatchEvent>();
  const left = new AbortController();
  const work = answerAll(
    { ...options, signal: AbortSignal.any([options.signal, left.signal]) },
    events,
  );
  void work.then(
    () => events.close(),
    (error: unknown) => events.fail(error),
  );
  try {
    yield* events;
  } finally {
    left.abort();
    await work.catch(() => {});
  }
}

async function answerAll(options: BatchOptions, events: EventQueue<BatchEvent>): Promise<void> {
  const { router, input, file, signal, clock, graceMs = GRACE_MS } = options;
  const total = input.lines.length;
  const watch: LaneWatch = { running: 0 };
  events.push({ type: 'started', total, done: file.tally.done });

  function record(group: BatchGroup, outcome: BatchOutcome): void {
    const before = file.tally.done;
    file.record({ lines: group.map(({ line }) => line), outcome });
    for (const [index, { line }] of group.entries()) {
      const done = before + index + 1;
      events.push({ type: 'answered', line, ok: outcome.ok, done, running: watch.running });
    }
  }

  // What runs when the caller stops may end, but not take for ever; what fails stops the rest at once.
  const broken = new AbortController();
  const ended = new AbortController();
  const cut = new AbortController();
  // As many requests as run at once listen to it.
  setMaxListeners(0, cut.signal);
  const stop = AbortSignal.any([signal, broken.signal]);
  const onStop = (): void => {
    const ms = broken.signal.aborted ? 0 : graceMs;
    void clock.sleep(ms, ended.signal).then(
      () => cut.abort(),
      () => {},
    );
  };
  if (stop.aborted) onStop();
  else stop.addEventListener('abort', onStop, { once: true });

  const outage = watchOutage<BatchGroup>((group, error) => record(group, { ok: false, error }));
  const convenience = createConvenience({ ...options.convenience, router, file, clock });
  const groups = groupLines(input.lines).filter(([{ line }]) => !file.has(line));
  try {
    const { waiting, others } = await convenience.submit(
      groups,
      (event) => events.push(event),
      stop,
    );
    await Promise.all(
      [
        convenience.collect(waiting, { record, tell: (event) => events.push(event), signal: stop }),
        runLanes(
          others,
          {
            ...lanesOf(options),
            run: async (group) => {
              const answer = await router.complete(
                { ...group[0].request, source: 'batch' },
                { signal: cut.signal },
              );
              outage.answered();
              record(group, { ok: true, answer: answerOf(answer) });
            },
            onFailure: (group, error) => outage.failed(group, error),
            signal: stop,
            clock,
          },
          watch,
        ),
      ].map(async (part) => {
        try {
          await part;
        } catch (error) {
          broken.abort(error);
        }
      }),
    );
    stop.throwIfAborted();
    outage.settle();
    file.finish();
    events.push({ type: 'finished', total, tally: { ...file.tally } });
  } finally {
    ended.abort();
    await convenience.close();
  }
}

/** All requests in one lane of the given width, or each in its target's. */
function lanesOf({ router, concurrency }: BatchOptions): {
  laneOf: (group: BatchGroup) => Promise<string>;
  limitOf: (lane: string) => Promise<number | undefined>;
} {
  if (concurrency !== undefined) {
    return { laneOf: async () => '', limitOf: async () => concurrency };
  }
  return {
    laneOf: async ([{ request }]) => {
      try {
        return (await router.explain({ ...request, source: 'batch' })).ladder[0].spec;
      } catch {
        // The call itself will say what is wrong.
        return '';
      }
    },
    limitOf: async (lane) => {
      const models = await router.models({ ask: lane });
      return models.find(({ id }) => id === lane)?.concurrency;
    },
  };
}
