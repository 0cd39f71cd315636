import type { Clock } from '../../core/clock.ts';
import type { SessionStore } from './store.ts';

/** Milliseconds after which others may have the session of a process that has died. */
export const LEASE_MS = 15_000;

/** Renews a lease until the turn has ended, or somebody else has the session. */
export async function keepLease(lease: {
  store: SessionStore;
  id: string;
  holder: string;
  clock: Clock;
  ended: AbortSignal;
}): Promise<void> {
  const { store, id, holder, clock, ended } = lease;
  while (!ended.aborted) {
    await clock.sleep(LEASE_MS / 3, ended).catch(() => {});
    if (ended.aborted) return;
    if (!store.renew(id, holder, clock.now() + LEASE_MS)) return;
  }
}
