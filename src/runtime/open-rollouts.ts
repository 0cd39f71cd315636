import { randomBytes } from 'node:crypto';
import type { LoadedConfig } from '../config/load.ts';
import type { Clock } from '../core/clock.ts';
import { createControl, type RolloutControl } from '../rollout/control.ts';
import { createRolloutStore, type RolloutStore } from '../rollout/store.ts';
import { createViewer, type RolloutView } from '../rollout/view.ts';
import { openDatabase } from '../storage/database.ts';

/** The rollout of a state folder, for those who drive it and those who look on. */
export interface Rollouts {
  store: RolloutStore;
  control: RolloutControl;
  /** Where it is now. @throws AppError `storage.*` */
  view: () => RolloutView;
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
    close: () => void database.close(),
  };
}
