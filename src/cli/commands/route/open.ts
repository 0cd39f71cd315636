import type { Ledger } from '../../../ledger/ledger.ts';
import type { Router } from '../../../routing/router.ts';
import type { RouterEvent } from '../../../routing/walk.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import type { ProgressLine } from '../../output/output.ts';

/** What the sub-commands of `route` that ask somebody share. */
export interface OpenRoute {
  router: Router;
  ledger: Ledger;
  progress: ProgressLine;
  /** What the router said since this was asked last; told once an answer does not stand in the way. */
  heard(): RouterEvent[];
  close(): Promise<void>;
}

/** @throws AppError `config.invalid`, `storage.*` */
export async function openRoute(context: CommandContext): Promise<OpenRoute> {
  const runtime = await runtimeFor(context);
  let events: RouterEvent[] = [];
  const router = await runtime.openRouter({ onEvent: (event) => void events.push(event) });
  return {
    router,
    ledger: runtime.openLedger(),
    progress: await context.output.progress(),
    heard() {
      const heard = events;
      events = [];
      return heard;
    },
    close: () => router.close(),
  };
}
