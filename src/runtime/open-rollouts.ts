import { randomBytes } from 'node:crypto';
import type { LoadedConfig } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import { createControl, type RolloutControl } from '../rollout/control.ts';
import { judgeGates, type PhaseGate, type Statements } from '../rollout/gates/gates.ts';
import { measureGates } from '../rollout/gates/measure.ts';
import { createRolloutStore, type RolloutStore } from '../rollout/store.ts';
import { createViewer, type RolloutView } from '../rollout/view.ts';
import { openDatabase } from '../storage/database.ts';

/** The rollout of a state folder, for those who drive it and those who look on. */
export interface Rollouts {
  store: RolloutStore;
  control: RolloutControl;
  /** Where it is now. @throws AppError `storage.*` */
  view: () => RolloutView;
  /** The plan's gates as of now. @throws AppError `storage.*` */
  gates: (statements: Statements) => PhaseGate[];
  close: () => void;
}

/** @throws AppError `storage.*` */
export function openRollouts(
  config: Pick<LoadedConfig, 'state' | 'routing'>,
  { clock, newId }: { clock: Clock; newId: () => string },
): Rollouts {
  const database = openDatabase(config.state);
  const store = createRolloutStore(database);
  return {
    store,
    control: createControl({
      store,
      clock,
      newId,
      newSalt: () => randomBytes(16).toString('hex'),
      retentionDays: config.routing.retentionDays,
    }),
    view: createViewer(store, clock).view,
    gates: (statements) =>
      judgeGates(
        measureGates(database, store, { now: clock.now(), routing: config.routing }),
        statements,
      ),
    close: () => void database.close(),
  };
}
