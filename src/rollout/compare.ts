import { createAbort } from '../core/abort.ts';
import type { Clock } from '../core/clock.ts';
import type { Completion } from '../core/request.ts';
import type { RecordedAttempt } from '../ledger/ledger.ts';
import type { JudgedAnswer } from '../patterns/judge.ts';
import type { Rung } from '../routing/decision.ts';
import type { Beside, RolledRequest } from '../routing/walk/rollout.ts';
import type { Arm, Grading, Observation, SideOutcome } from './observation.ts';
import type { Plan } from './plan.ts';

/**
 * Scores an answer from 0 to 10 by running it; `undefined` where that cannot tell. Rejects where
 * the grader itself fails.
 */
export type Grade = (judged: JudgedAnswer, signal: AbortSignal) => Promise<number | undefined>;

/** A request whose other side is to be asked. */
export interface Comparison {
  rolled: RolledRequest;
  /** What the caller got. */
  completion: Completion;
  /** Whom to ask beside. */
  rung: Rung;
  limits: Plan['shadow'];
  /** What is known of it; what comes of the comparison is added. */
  observation: Observation;
}

/**
 * Asks the other side beside an answer, and grades both: after the caller has theirs, so many at
 * once, and not at all where there is no room.
 */
export interface Comparer {
  /** Says whether there was room. */
  offer(comparison: Comparison): boolean;
  /** Cancels what runs and waits for it; nothing is taken any more. */
  stop(): Promise<void>;
}

export interface ComparerOptions {
  grade: Grade;
  clock: Clock;
  onDone: (observation: Observation) => void;
  onTrouble: (error: unknown) => void;
}

export function createComparer({ grade, clock, onDone, onTrouble }: ComparerOptions): Comparer {
  const running = new Set<Promise<void>>();
  // One for each comparison: a signal that many listen to is taken for a leak.
  const stops = new Set<() => void>();
  let isStopped = false;

  async function compare(comparison: Comparison): Promise<void> {
    const { rolled, rung, limits, observation } = comparison;
    const over = createAbort();
    const left = createAbort();
    const stop = (): void => {
      over.abort();
      left.abort();
    };
    stops.add(stop);
    const done = createAbort();
    const late = clock.sleep(limits.timeoutMs, done.signal).then(
      () => over.abort(),
      () => {},
    );
    try {
      const beside = await rolled.beside(rung, over.signal);
      done.abort();
      await late;
      if (isStopped) {
        onDone({ ...observation, compared: 'no' });
        return;
      }
      const grading = await gradeBoth(comparison, beside, left.signal);
      onDone({ ...observation, ...sideBeside(observation.arm, beside), compared: 'done', grading });
    } catch (error) {
      onTrouble(error);
      onDone({ ...observation, compared: 'no' });
    } finally {
      done.abort();
      stops.delete(stop);
    }
  }

  async function gradeBoth(
    { rolled, completion, observation }: Comparison,
    beside: Beside,
    signal: AbortSignal,
  ): Promise<Grading> {
    const other = beside.completion;
    if (other === undefined) return { state: 'none' };
    if (completion.finishReason === 'tool-calls' || other.finishReason === 'tool-calls') {
      return { state: 'unknown' };
    }
    const prompt = promptOf(rolled);
    const scoreOf = ({ text }: Completion): Promise<number | undefined> =>
      grade({ prompt, answer: text, category: observation.category }, signal);
    try {
      const given = await scoreOf(completion);
      if (given === undefined) return { state: 'unknown' };
      const said = other.text === completion.text ? given : await scoreOf(other);
      if (said === undefined) return { state: 'unknown' };
      return observation.arm === 'candidate'
        ? { state: 'scored', candidate: given, reference: said }
        : { state: 'scored', candidate: said, reference: given };
    } catch (error) {
      onTrouble(error);
      return { state: 'errored' };
    }
  }

  return {
    offer(comparison) {
      if (isStopped || running.size >= comparison.limits.concurrency) return false;
      const work = compare(comparison).finally(() => running.delete(work));
      running.add(work);
      return true;
    },
    async stop() {
      isStopped = true;
      for (const stop of stops) stop();
      await Promise.all(running);
    },
  };
}

/** What a side's attempts came to. */
export function sideOutcome(attempts: readonly RecordedAttempt[], outcome: string): SideOutcome {
  const ms = attempts.reduce((sum, attempt) => sum + attempt.totalMs, 0);
  let usd: number | undefined = 0;
  for (const attempt of attempts) {
    usd = usd === undefined || attempt.usd === undefined ? undefined : usd + attempt.usd;
  }
  return { outcome, ms, ...(usd === undefined ? {} : { usd }) };
}

function sideBeside(
  arm: Arm,
  { outcome, attempts }: Beside,
): Pick<Observation, 'candidate' | 'reference'> {
  // Its own time ran out: the caller would have waited as long.
  const told = sideOutcome(attempts, outcome === 'cancelled' ? 'timeout' : outcome);
  return arm === 'candidate' ? { reference: told } : { candidate: told };
}

/** What the answers are graded against: all that was said to the model. */
function promptOf({ request }: RolledRequest): string {
  return request.messages
    .filter(({ role }) => role === 'system' || role === 'user')
    .map(({ content }) => content)
    .join('\n\n');
}
