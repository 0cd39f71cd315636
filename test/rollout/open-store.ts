import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import { createControl, type RolloutControl } from '../../src/rollout/control.ts';
import type { Observation } from '../../src/rollout/observation.ts';
import { DEFAULT_PLAN, planSchema, type Plan, type PlanFile } from '../../src/rollout/plan.ts';
import { readLog } from '../../src/rollout/read.ts';
import { createRolloutStore, type RolloutStore } from '../../src/rollout/store.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';

export const START = 1_800_000_000_000;
export const HOUR_MS = 3_600_000;

/** Time that stands until it is set. */
export interface SetClock extends Clock {
  at: number;
  /** Of the monotonic clock. */
  elapsed: number;
}

export interface Opened {
  folder: string;
  database: Database;
  store: RolloutStore;
  control: RolloutControl;
  clock: SetClock;
  /** Writes observations of the present stage. */
  observe: (count: number, more?: Partial<Observation>) => void;
  /** State of the newest rollout. */
  state: () => string;
}

export function setClock(): SetClock {
  const clock: SetClock = {
    at: START,
    elapsed: 0,
    now: () => clock.at,
    monotonic: () => clock.elapsed,
    sleep: () => new Promise(() => {}),
  };
  return clock;
}

/** A plan that waits for no days and asks for little. */
export function quickPlan(more: Partial<PlanFile> = {}): Plan {
  return planSchema.parse({
    ...DEFAULT_PLAN,
    steps: DEFAULT_PLAN.steps.map((step) => ({ ...step, days: 0, pairs: 20, requests: 20 })),
    quality: { margin: 0.3, hard: 0.6 },
    ...more,
  });
}

export const ASKED = { by: 'ada', reason: 'a test', dryRun: false };

/** A rollout's store in a folder of its own. */
export function openStore(): Opened {
  const folder = mkdtempSync(path.join(tmpdir(), 'aqe-rollout-'));
  const database = openDatabase(folder);
  const store = createRolloutStore(database);
  const clock = setClock();
  let ids = 0;
  let requests = 0;
  const control = createControl({
    store,
    clock,
    newId: () => `r${(ids += 1)}`,
    newSalt: () => 'salt',
    retentionDays: 90,
  });
  onTestFinished(() => {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const rollout = () => {
    const log = readLog(store);
    if (log.state !== 'intact') throw new Error(`the log is ${log.state}`);
    return log.rollout;
  };
  return {
    folder,
    database,
    store,
    control,
    clock,
    state: () => rollout().state.state,
    observe(count, more) {
      const { id, stage } = rollout();
      store.observe(
        Array.from({ length: count }, (): Observation => ({
          rollout: id,
          stage: stage.seq,
          at: clock.at,
          requestId: `q${(requests += 1)}`,
          unit: requests,
          arm: requests % 2 === 0 ? 'candidate' : 'reference',
          category: 'test-generation',
          compared: 'done',
          candidate: { outcome: 'ok', ms: 900, usd: 0 },
          reference: { outcome: 'ok', ms: 1000, usd: 0.01 },
          grading: { state: 'scored', candidate: 9, reference: 9 },
          ...more,
        })),
      );
    },
  };
}
