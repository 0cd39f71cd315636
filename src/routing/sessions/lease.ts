import type { Clock } from '../../core/clock.ts';
import { LEASE_MS, type SessionStore } from './store.ts';

/** Renews the lease of a session until the turn has ended, or somebody else has the session. Never throws. */
export async function keepLease(
  store: SessionStore,
  id: string,
  { clock, ended }: { clock: Clock; ended: AbortSignal },
): Promise<void> {
  while (!ended.aborted) {
    await clock.sleep(LEASE_MS / 3, ended).catch(() => {});
    if (ended.aborted) return;
    try {
      if (!store.renew(id)) return;
    } catch {
      // A database that is locked now may be free for the next try, before the lease runs out.
    }
  }
}
