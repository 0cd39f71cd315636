import type { Clock } from '../core/clock.ts';
import { AppError } from '../core/errors.ts';
import { recalibrate, type Recalibration } from './calibrate.ts';
import { consolidate, type Consolidation } from './consolidate.ts';
import type { Judge } from './judge.ts';
import { judgeAll, type Judged } from './judgements.ts';
import type { RecallLog, RecallRates } from './recalls.ts';
import type { PatternStore } from './store.ts';

/** Everything that consolidation changed. */
export interface Learned {
  judged: Judged;
  /** Why nothing was judged. */
  unjudged?: string;
  consolidation: Consolidation;
  recalibration: Recalibration;
  recalls: RecallRates;
  /** Patterns afterwards. */
  left: number;
}

export type LearnEvent =
  | { type: 'judged'; done: number; of: number }
  | { type: 'comparing' }
  | { type: 'finished'; learned: Learned };

export interface LearnOptions {
  store: PatternStore;
  log: RecallLog;
  judge: Judge;
  clock: Clock;
  /** false only tells what would be merged and brought in line; nothing is judged then. */
  apply: boolean;
  signal: AbortSignal;
}

/** Judges what nobody has verified, merges what says the same, and brings confidences in line with outcomes. */
export async function* learn(options: LearnOptions): AsyncGenerator<LearnEvent> {
  const { store, log, apply, signal } = options;
  const judged: Judged = { right: 0, wrong: 0, unknown: 0 };
  let unjudged: string | undefined;
  try {
    for await (const { done, of, verdict } of apply ? judgeAll(options, signal) : []) {
      judged[verdict] += 1;
      yield { type: 'judged', done, of };
    }
  } catch (error) {
    if (!(error instanceof AppError) || error.code !== 'sandbox.unavailable') throw error;
    unjudged = error.message;
  }
  signal.throwIfAborted();
  yield { type: 'comparing' };
  const consolidation = consolidate(store, { apply });
  const recalibration = recalibrate(store, { apply });
  const learned: Learned = {
    judged,
    ...(unjudged === undefined ? {} : { unjudged }),
    consolidation,
    recalibration,
    recalls: log.rates(0),
    left: store.count(),
  };
  yield { type: 'finished', learned };
}

/** As it is printed and sent. */
export function learnedJson({ consolidation, recalibration, ...rest }: Learned): object {
  const { patterns, merges } = consolidation;
  const { changes: confidences, outcomes, before, after } = recalibration;
  return { ...rest, patterns, merges, confidences, calibration: { outcomes, before, after } };
}
