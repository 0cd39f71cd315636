import { messageOf } from '../core/errors.ts';
import { foldLog, verifyLog, type ChainedEntry, type Rollout } from './log.ts';
import type { RolloutStore } from './store.ts';
import { createTallyBook, type Tallies, type TallyBook } from './tallies.ts';

/** What the log of a state folder tells. */
export type LogState =
  | { state: 'empty' }
  | { state: 'intact'; rollout: Rollout; entries: ChainedEntry[]; head: string }
  /**
   * @property problem names the first entry that is not as it was written
   * @property rollout as the entries before it tell it, where they do
   */
  | { state: 'broken'; problem: string; rollout?: Rollout };

/** Reads and verifies the log. @throws AppError `storage.*` */
export function readLog(store: Pick<RolloutStore, 'log' | 'head'>): LogState {
  const head = store.head();
  const { entries, unreadable } = store.log();
  const verified = verifyLog(entries, head);
  if (verified.state === 'broken') {
    const problem =
      unreadable !== undefined && verified.sound === entries.length
        ? `Entry ${unreadable} cannot be read.`
        : verified.problem;
    const rollout = foldedBefore(entries, verified.sound);
    return { state: 'broken', problem, ...(rollout === undefined ? {} : { rollout }) };
  }
  try {
    const rollout = foldLog(entries.map(({ entry }) => entry));
    return rollout === undefined
      ? { state: 'empty' }
      : { state: 'intact', rollout, entries, head: verified.head };
  } catch (error) {
    return { state: 'broken', problem: messageOf(error) };
  }
}

function foldedBefore(entries: readonly ChainedEntry[], sound: number): Rollout | undefined {
  try {
    return foldLog(entries.slice(0, sound).map(({ entry }) => entry));
  } catch {
    return undefined;
  }
}

/** Rows that are read at once. */
const CHUNK = 5000;

/** Adds up the observations of a rollout's present stage, some at a time. */
export interface StageReader {
  readonly book: TallyBook;
  /** Reads what is new, at most so many rows; says how many there were and whether there may be more. */
  read(limit?: number): { rows: number; more: boolean };
}

export function readStage(
  store: Pick<RolloutStore, 'observations' | 'baseline'>,
  { id, plan, stage }: Rollout,
): StageReader {
  const { latency } = plan;
  const baseline = 'baseline' in latency ? store.baseline(id, stage.seq, latency.baseline) : [];
  const book = createTallyBook({ plan, stageAt: stage.at, baseline });
  let last = 0;
  return {
    book,
    read(limit = CHUNK) {
      const rows = store.observations(id, stage.seq, last, limit);
      for (const { id: number, observation } of rows) {
        book.add(observation);
        last = number;
      }
      return { rows: rows.length, more: rows.length === limit };
    },
  };
}

/** Of the whole stage, for whoever asks once. */
export function readTallies(
  store: Pick<RolloutStore, 'observations' | 'baseline'>,
  rollout: Rollout,
): Tallies {
  const stage = readStage(store, rollout);
  while (stage.read().more);
  return stage.book.tallies();
}
