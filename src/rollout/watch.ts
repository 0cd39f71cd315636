import type { Clock } from '../core/clock.ts';
import { assess, qualityBounds, type Assessment, type Verdict } from './assess.ts';
import { evidenceOf } from './control.ts';
import type { Follower } from './follow.ts';
import type { LogEntry, Rollout } from './log.ts';
import type { Observation } from './observation.ts';
import { readStage, type StageReader } from './read.ts';
import { isEnded, transition, type RolloutEvent } from './state.ts';
import type { RolloutStore } from './store.ts';
import type { Tallies } from './tallies.ts';

/** What was done to a rollout without anybody asking. */
export interface RolloutNews {
  rollout: string;
  event: LogEntry['event']['type'];
  /** Per cent that the candidate has now. */
  serve: number;
  why: string;
}

/**
 * Watches the rollout of a state folder: writes down what is observed, judges it, and rolls back or
 * advances where the plan leaves that to nobody. Several processes may watch; one of them acts.
 */
export interface Watch {
  /** Written down with the next tick. */
  observe(observation: Observation): void;
  /** Writes, reads, judges and acts, once. What fails is told as trouble. */
  tick(): void;
  /** Ticks until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export interface WatchOptions {
  store: RolloutStore;
  follower: Follower;
  clock: Clock;
  onNews: (news: RolloutNews) => void;
  onTrouble: (error: unknown) => void;
}

/** Milliseconds between two ticks. */
const TICK_MS = 500;
/** Days go by without observations: it is judged at least so often, in milliseconds. */
const JUDGE_MS = 10_000;
/** A clock that goes so many milliseconds further than time does was set, or the machine slept. */
const DRIFT_MS = 60_000;
/** Observations that wait for the disk. */
const MOST_WAITING = 20_000;
/** Bounds are kept for each tenth more of comparisons. */
const GROWTH = 1.1;

interface Reading {
  rollout: Rollout;
  reader: StageReader;
  judgedAt: number;
  nextCheck: number;
}

export function createWatch(options: WatchOptions): Watch {
  const { store, follower, clock, onNews, onTrouble } = options;
  let waiting: Observation[] = [];
  let reading: Reading | undefined;
  let clocks = { now: clock.now(), monotonic: clock.monotonic() };

  function write(): void {
    if (waiting.length === 0) return;
    // What cannot be written now is tried again; where that lasts, the oldest go.
    waiting = waiting.slice(-MOST_WAITING);
    store.observe(waiting);
    waiting = [];
  }

  function readingOf(rollout: Rollout): Reading {
    const isSame =
      reading?.rollout.id === rollout.id && reading.rollout.stage.seq === rollout.stage.seq;
    if (reading === undefined || !isSame) {
      reading = { rollout, reader: readStage(store, rollout), judgedAt: -Infinity, nextCheck: 1 };
    }
    reading.rollout = rollout;
    return reading;
  }

  function judge(rollout: Rollout): void {
    const { state, plan, stage } = rollout;
    if (!('at' in state) || isEnded(state)) return;
    const current = readingOf(rollout);
    const { rows, more } = current.reader.read();
    // A large stage is caught up with over several ticks, so that nobody waits for it.
    if (more) return;
    const monotonic = clock.monotonic();
    if (rows === 0 && monotonic - current.judgedAt < JUDGE_MS) return;
    current.judgedAt = monotonic;
    const tallies = current.reader.book.tallies();
    const now = clock.now();
    saveCheck(current, tallies, now);
    const assessment = assess(plan, state.at, tallies, { now, stageAt: stage.at });
    const event = eventFor(rollout, assessment.verdict);
    if (event !== undefined) act(rollout, event, assessment, tallies);
  }

  function saveCheck(current: Reading, tallies: Tallies, at: number): void {
    const { rollout } = current;
    const pairs = tallies.graded.scored;
    if (pairs < current.nextCheck) return;
    current.nextCheck = Math.ceil(pairs * GROWTH + 0.5);
    const { lower, upper } = qualityBounds(rollout.plan, tallies.stage.pairs);
    const ratio = ratioOf(tallies);
    if (ratio === undefined) return;
    store.saveCheck(rollout.id, {
      stage: rollout.stage.seq,
      pairs,
      at,
      ratio,
      lower,
      upper: Number.isFinite(upper) ? upper : null,
    });
  }

  function act(
    rollout: Rollout,
    event: RolloutEvent,
    assessment: Assessment,
    tallies: Tallies,
  ): void {
    const { verdict } = assessment;
    const why = verdict.state === 'roll-back' ? verdict.why : 'the evidence is there';
    append(rollout, event, why, evidenceOf(assessment, tallies));
  }

  /** Once among all processes: whoever comes second finds the log grown, and judges again. */
  function append(rollout: Rollout, event: RolloutEvent, reason: string, evidence: unknown): void {
    const moved = transition(rollout.state, event, rollout.plan, reason);
    if ('refused' in moved) throw new Error(moved.refused);
    const isFirst = store.alone(() => {
      if (store.head().seq !== rollout.last.seq) return false;
      const at = Math.max(clock.now(), rollout.last.at);
      store.append({ rollout: rollout.id, at, actor: 'guardrail', event, reason, evidence });
      return true;
    });
    follower.refresh();
    if (!isFirst) return;
    const serve = 'at' in moved.next ? moved.next.at.serve : 0;
    onNews({ rollout: rollout.id, event: event.type, serve, why: reason });
  }

  /** A clock that was set changes no evidence, which is kept by days; it is written down. */
  function watchClock(rollout: Rollout): void {
    const read = { now: clock.now(), monotonic: clock.monotonic() };
    const driftMs = Math.round(read.now - clocks.now - (read.monotonic - clocks.monotonic));
    clocks = read;
    if (Math.abs(driftMs) < DRIFT_MS || isEnded(rollout.state)) return;
    const { event } = rollout.last;
    const isTold = event.type === 'clock-jumped' && Math.abs(event.driftMs - driftMs) < DRIFT_MS;
    if (isTold) return;
    const seconds = Math.round(driftMs / 1000);
    append(rollout, { type: 'clock-jumped', driftMs }, `the clock jumped by ${seconds} s`, null);
  }

  function tick(): void {
    try {
      write();
      const followed = follower.now();
      if (followed === undefined || !followed.isSound) return;
      watchClock(followed.rollout);
      judge(follower.now()?.rollout ?? followed.rollout);
    } catch (error) {
      onTrouble(error);
    }
  }

  return {
    observe: (observation) => void waiting.push(observation),
    tick,
    async run(signal) {
      while (!signal.aborted) {
        tick();
        await clock.sleep(TICK_MS, signal).catch(() => {});
      }
    },
  };
}

/** What a verdict brings about without a person. */
export function eventFor(
  { state, plan }: Pick<Rollout, 'state' | 'plan'>,
  verdict: Verdict,
): RolloutEvent | undefined {
  if (!('at' in state)) return undefined;
  if (verdict.state === 'roll-back') {
    const serve = verdict.hard ? 0 : Math.max(0, state.at.serve - plan.stepDown);
    return serve === 0
      ? { type: 'rolled-back', complete: false }
      : { type: 'stepped-down', serve, cautious: state.at.cautious };
  }
  const isAuto = plan.advance === 'auto' && state.state !== 'paused';
  return isAuto && verdict.state === 'advance' ? { type: 'advanced' } : undefined;
}

function ratioOf({ stage }: Tallies): number | undefined {
  let candidate = 0;
  let reference = 0;
  for (const tally of stage.pairs) {
    candidate += tally.candidate * tally.count;
    reference += tally.reference * tally.count;
  }
  return reference > 0 ? candidate / reference : undefined;
}
