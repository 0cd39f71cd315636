import type { Clock } from '../../core/clock.ts';
import type { KindDeps } from '../kinds/kind.ts';
import type { BaselineReport, TaskResult } from '../result.ts';
import type { Money } from './budget.ts';
import type { SideEstimate } from './estimate.ts';
import type { GenerationProgress } from './generate.ts';
import type { RunPlan, Side } from './plan.ts';
import type { RunStore } from './run-store.ts';
import type { SideDeps } from './sides.ts';

export interface BaselineRun {
  id: string;
  plan: RunPlan;
  /** ISO 8601, UTC. */
  startedAt: string;
}

export interface BaselineDeps extends SideDeps {
  store: RunStore;
  kinds: KindDeps;
  money: Money;
  clock: Clock;
  /** Tier of the sandbox, for the report. */
  sandbox: string;
  /** Versions for the report; the providers add theirs. */
  versions: Record<string, string>;
  /** Processor cores: answers are graded on all of them, or on all but one beside a live model. */
  cores: number;
}

/** A question to one side, as an event names it. */
export interface Step {
  side: Side;
  taskId: string;
  /** From 0. */
  repeat: number;
}

export type BaselineEvent =
  /** Results in all and already there; what live sides still have to do. */
  | { type: 'started'; runId: string; total: number; done: number; estimates: SideEstimate[] }
  | { type: 'loading'; side: Side }
  | ({ type: 'generating'; live: boolean } & Step)
  | ({ type: 'progress' } & Step & GenerationProgress)
  | ({ type: 'graded'; result: TaskResult; done: number; total: number } & Step)
  | { type: 'finished'; report: BaselineReport };
