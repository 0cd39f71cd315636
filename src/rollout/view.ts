import type { Clock } from '../core/clock.ts';
import { assess, passAt, percent, qualityBounds, type Assessment } from './assess.ts';
import type { LogEntry, Rollout } from './log.ts';
import type { Plan } from './plan.ts';
import { readLog, readStage, type StageReader } from './read.ts';
import type { QualityCheck } from './rows.ts';
import { isEnded, serveOf, stepAt, type RolloutState } from './state.ts';
import type { RolloutStore } from './store.ts';
import type { Tallies } from './tallies.ts';

/** Where a rollout is, for people and programs. Times are milliseconds since the Unix epoch. */
export interface RolloutView {
  schema: 'aqe-llm/rollout@1';
  at: number;
  rollout:
    | { state: 'none' }
    | { state: 'unreadable'; problem: string }
    | ({ state: RolloutState['state'] } & RolloutStatus);
}

export interface RolloutStatus {
  id: string;
  /** Why it is paused, was rolled back or aborted; empty otherwise. */
  why: string;
  /** Per cent that the candidate answers. */
  serve: number;
  /** Place of the step that this share has reached, from 0. */
  step: number;
  cautious: boolean;
  /** After a complete rollback. */
  complete: boolean;
  createdAt: number;
  /** Since when evidence counts. */
  stage: { seq: number; at: number };
  plan: Plan;
  /** Of the log. */
  entries: number;
  head: string;
  /** The newest first. */
  recent: LogEntry[];
  /** Absent where nothing is watched any more. */
  evidence?: StageEvidence;
  /** What would bring it on, and what would bring it back, in sentences. */
  triggers: string[];
  /** The bounds of quality as they tightened, over all stages. */
  checks: QualityCheck[];
}

export interface StageEvidence extends Assessment {
  quality: { pairs: number; lower: number; upper: number | null; limit: number };
  tallies: Pick<
    Tallies,
    'days' | 'graded' | 'candidate' | 'reference' | 'cost' | 'units' | 'sloMs'
  >;
}

/** Entries that a view shows. */
const RECENT = 12;

/** @returns what says where the rollout is now; it reads only what is new each time */
export function createViewer(
  store: RolloutStore,
  clock: Pick<Clock, 'now'>,
): { view: () => RolloutView } {
  let stage: { key: string; reader: StageReader } | undefined;

  function readerOf(rollout: Rollout): StageReader {
    const key = `${rollout.id} ${rollout.stage.seq}`;
    if (stage?.key !== key) stage = { key, reader: readStage(store, rollout) };
    return stage.reader;
  }

  function evidenceOf(rollout: Rollout, now: number): StageEvidence | undefined {
    const { state, plan, stage: began } = rollout;
    if (!('at' in state) || isEnded(state)) return undefined;
    const reader = readerOf(rollout);
    while (reader.read().more);
    const tallies = reader.book.tallies();
    const { days, graded, candidate, reference, cost, units, sloMs } = tallies;
    const { lower, upper } = qualityBounds(plan, tallies.stage.pairs);
    return {
      ...assess(plan, state.at, tallies, { now, stageAt: began.at }),
      quality: {
        pairs: graded.scored,
        lower,
        upper: Number.isFinite(upper) ? upper : null,
        limit: 1 - plan.quality.margin,
      },
      tallies: {
        days,
        graded,
        candidate,
        reference,
        cost,
        units,
        ...(sloMs === undefined ? {} : { sloMs }),
      },
    };
  }

  return {
    view() {
      const at = clock.now();
      const log = readLog(store);
      const schema = 'aqe-llm/rollout@1';
      if (log.state === 'empty') return { schema, at, rollout: { state: 'none' } };
      if (log.state === 'broken') {
        return { schema, at, rollout: { state: 'unreadable', problem: log.problem } };
      }
      const { rollout, entries, head } = log;
      const { state, plan } = rollout;
      const evidence = evidenceOf(rollout, at);
      const serve = serveOf(state);
      return {
        schema,
        at,
        rollout: {
          state: state.state,
          id: rollout.id,
          why: 'why' in state ? state.why : '',
          serve,
          step: stepAt(plan, serve),
          cautious: 'at' in state && state.at.cautious,
          complete: state.state === 'rolled_back' && state.complete,
          createdAt: rollout.createdAt,
          stage: rollout.stage,
          plan,
          entries: entries.length,
          head,
          recent: entries
            .slice(-RECENT)
            .map(({ entry }) => entry)
            .toReversed(),
          ...(evidence === undefined ? {} : { evidence }),
          triggers: evidence === undefined ? [] : triggersOf(rollout, evidence),
          checks: store.checks(rollout.id),
        },
      };
    },
  };
}

function triggersOf({ plan, state }: Rollout, { quality }: StageEvidence): string[] {
  const { lower, upper, limit } = quality;
  const back = serveOf(state) === 0 ? 'it ends' : `back by ${plan.stepDown} points`;
  const forward =
    plan.advance === 'auto' ? 'forward by itself' : 'forward, once somebody says advance';
  return [
    `${forward}: the lower bound of quality, now ${percent(lower)}, reaches ${percent(limit)} (E ${passAt(plan)}), and what else is asked for holds`,
    `${back}: the upper bound of quality, now ${upper === null ? 'none' : percent(upper)}, falls below ${percent(limit)}; or it is proven that more than ${percent(plan.errors.most)} of calls fail, or that more than ${percent(plan.latency.share)} of answers are too slow`,
    `back to nothing: it is proven that quality is below ${percent(1 - plan.quality.hard)}, or that more than ${percent(plan.errors.hard)} of calls fail`,
  ];
}
