import type { Clock } from '../../core/clock.ts';
import { failureClassOf, ProviderFailure, traitsOf } from '../../providers/failure.ts';

export interface LanesOptions<Task> {
  /** The lane of a task: who will be asked first. */
  laneOf: (task: Task) => Promise<string>;
  /** How many tasks a lane takes at once; `undefined` while nobody knows, which is as 1. */
  limitOf: (lane: string) => Promise<number | undefined>;
  /** Does a task. What it throws is told to `onFailure`, or tried again where time may help. */
  run: (task: Task) => Promise<void>;
  /** A task has failed for good. What it throws ends everything. */
  onFailure: (task: Task, error: unknown) => void;
  /** Nothing is begun after this aborts; what runs is waited for. */
  signal: AbortSignal;
  clock: Clock;
}

interface Lane<Task> {
  limit: number | undefined;
  running: number;
  waiting: Task[];
  /** Pauses since the last success. While there are any, one task at a time is tried. */
  pauses: number;
  /** Nothing is begun there before, on the monotonic clock. */
  pausedUntil: number;
}

/** Tasks that wait in all lanes together before the source is asked for more. */
const LOOK_AHEAD = 64;
/** How often a task is tried that fails for a reason which passes. */
const TRIES = 3;
/** Pauses without a success between them after which a lane's tasks fail at once. */
const PAUSES = 5;
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;
/** A target that asks for more patience than this has failed. */
const LONGEST_WAIT_MS = 300_000;

/** How many tasks run now, in all lanes. */
export interface LaneWatch {
  running: number;
}

/**
 * Does every task, each in the lane of the target that will answer it, as many at once as that
 * target can. A lane whose target fails pauses, longer each time, before it tries again.
 */
export async function runLanes<Task>(
  tasks: Iterable<Task>,
  options: LanesOptions<Task>,
  watch: LaneWatch,
): Promise<void> {
  const { laneOf, limitOf, run, onFailure, signal, clock } = options;
  const source = tasks[Symbol.iterator]();
  const lanes = new Map<string, Lane<Task>>();
  const tries = new Map<Task, number>();
  const ended = new AbortController();
  let waiting = 0;
  let exhausted = false;
  let broken: { error: unknown } | undefined;
  let wake: () => void = () => {};
  const onAbort = (): void => wake();
  signal.addEventListener('abort', onAbort);

  async function fill(): Promise<void> {
    while (!exhausted && waiting < LOOK_AHEAD && !signal.aborted) {
      const next = source.next();
      if (next.done === true) {
        exhausted = true;
        return;
      }
      const name = await laneOf(next.value);
      const lane = lanes.get(name) ?? {
        limit: await limitOf(name),
        running: 0,
        waiting: [],
        pauses: 0,
        pausedUntil: 0,
      };
      lanes.set(name, lane);
      lane.waiting.push(next.value);
      waiting += 1;
      begin(name, lane);
    }
  }

  function begin(name: string, lane: Lane<Task>): void {
    while (
      !signal.aborted &&
      broken === undefined &&
      lane.running < (lane.pauses > 0 ? 1 : (lane.limit ?? 1)) &&
      lane.pausedUntil <= clock.monotonic()
    ) {
      const task = lane.waiting.shift();
      if (task === undefined) return;
      waiting -= 1;
      lane.running += 1;
      watch.running += 1;
      void perform(name, lane, task);
    }
  }

  async function perform(name: string, lane: Lane<Task>, task: Task): Promise<void> {
    try {
      await attempt(lane, task);
      // A target may tell what it can only once it has answered.
      lane.limit ??= await limitOf(name);
    } catch (error) {
      broken ??= { error };
    } finally {
      lane.running -= 1;
      watch.running -= 1;
      begin(name, lane);
      wake();
    }
  }

  async function attempt(lane: Lane<Task>, task: Task): Promise<void> {
    try {
      await run(task);
      lane.pauses = 0;
    } catch (error) {
      // What fails while everything stops may have failed for that.
      if (signal.aborted) return;
      const wait = passing(error);
      // Nothing was sent where the target is left alone.
      const tried = (tries.get(task) ?? 0) + (failureClassOf(error) === 'breaker-open' ? 0 : 1);
      if (wait === undefined || tried >= TRIES || lane.pauses >= PAUSES) {
        tries.delete(task);
        onFailure(task, error);
        return;
      }
      tries.set(task, tried);
      lane.waiting.unshift(task);
      waiting += 1;
      pause(lane, wait);
    }
  }

  /** What fails while the lane pauses already fails for the same reason. */
  function pause(lane: Lane<Task>, leastMs: number): void {
    const now = clock.monotonic();
    const isPaused = lane.pausedUntil > now;
    if (!isPaused) lane.pauses += 1;
    const ms = Math.max(
      leastMs,
      isPaused ? 0 : Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (lane.pauses - 1)),
    );
    const until = now + ms;
    if (until <= lane.pausedUntil) return;
    lane.pausedUntil = until;
    const goOn = (): void => {
      // A timer may ring a little before its time by the clock.
      if (lane.pausedUntil === until) lane.pausedUntil = 0;
      wake();
    };
    void clock.sleep(ms, ended.signal).then(goOn, () => {});
  }

  try {
    while (true) {
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      await fill();
      for (const [name, lane] of lanes) begin(name, lane);
      const stopped = signal.aborted || broken !== undefined;
      if (watch.running === 0 && (stopped || (exhausted && waiting === 0))) break;
      await woken;
    }
  } finally {
    ended.abort();
    signal.removeEventListener('abort', onAbort);
  }
  if (broken !== undefined) throw broken.error;
}

/** Milliseconds that the target wants at least to be left alone; `undefined` where time does not help. */
function passing(error: unknown): number | undefined {
  if (!(error instanceof ProviderFailure)) return undefined;
  const { failure, retryAfterMs = 0 } = error;
  const passes = traitsOf(failure).retryable || failure === 'breaker-open';
  return passes && retryAfterMs <= LONGEST_WAIT_MS ? retryAfterMs : undefined;
}
