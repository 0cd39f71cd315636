import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { traitsOf, type FailureClass } from '../providers/failure.ts';
import type { Database } from '../storage/database.ts';
import {
  createBreakerStore,
  type BreakerRow,
  type BreakerState,
  type FailureKind,
} from './breaker-store.ts';

export type BreakerSettings = Config['breaker'];

/** A change of state, told to the process that brought it about. */
export interface BreakerChange {
  /** The provider's id. */
  breaker: string;
  from: BreakerState;
  to: BreakerState;
  /** What opened it, now or the last time. */
  kind: FailureKind;
  /** Milliseconds since the Unix epoch. */
  at: number;
}

/** Leave to call the provider once. Exactly one of its methods is called, once the call has ended. */
export interface Pass {
  /** @param ttftMs milliseconds to the first token: a long answer is no sign of a slow server */
  succeeded(ttftMs?: number): void;
  failed(failure: FailureClass): void;
}

export type Admission =
  | { admitted: true; pass: Pass }
  /** @property until when it is worth asking again, in milliseconds since the Unix epoch */
  | { admitted: false; until: number };

/**
 * Keeps callers away from a provider (one server and model) that fails: closed until `failures`
 * failures fall into `windowMs`, then open for `openMs`, then half-open: one call at a time goes
 * through as a probe, and `successes` good probes in a row close it. All processes of a state
 * folder share it.
 */
export interface CircuitBreaker {
  readonly id: string;
  admit(): Admission;
  /** Takes note of how good an answer was, from 0 to 1, once somebody has judged it. */
  judged(quality: number): void;
  state(): BreakerState;
  /** What a caller would meet now, and what opened the breaker; `half-open` once a probe may go through. */
  outlook(): { state: BreakerState; opened?: FailureKind };
}

export interface CircuitBreakerOptions {
  database: Database;
  /** The provider's id. */
  id: string;
  settings: BreakerSettings;
  clock: Clock;
  onChange?: (change: BreakerChange) => void;
}

/** Milliseconds after which another process may send a probe when the holder of one has died. */
export const PROBE_LEASE_MS = 15_000;

export function createCircuitBreaker(options: CircuitBreakerOptions): CircuitBreaker {
  const { id, settings, clock, onChange = () => {} } = options;
  const store = createBreakerStore(options.database, id);

  /** Runs `step` alone; time is read inside, so that no two processes see it run backwards. */
  function transact(step: (row: BreakerRow, now: number) => BreakerRow | undefined): BreakerRow {
    const { before, after, now } = store.alone(() => {
      const at = clock.now();
      const row = store.read();
      const next = step(row, at);
      if (next !== undefined) store.write({ ...next, generation: row.generation + 1 });
      return { before: row, after: next, now: at };
    });
    if (after !== undefined && after.state !== before.state) {
      onChange({ breaker: id, from: before.state, to: after.state, kind: after.kind, at: now });
    }
    return after === undefined ? before : { ...after, generation: before.generation + 1 };
  }

  function fail(row: BreakerRow, kind: FailureKind, now: number): BreakerRow | undefined {
    if (row.state === 'closed' && store.addFailure(now, settings.windowMs) < settings.failures) {
      return undefined;
    }
    store.clearFailures();
    return { ...row, state: 'open', kind, since: now, successes: 0, probe: undefined };
  }

  function succeed(row: BreakerRow, now: number): BreakerRow {
    const successes = row.successes + 1;
    return successes >= settings.successes
      ? { ...row, state: 'closed', since: now, successes: 0, probe: undefined }
      : { ...row, successes, probe: undefined };
  }

  /** Ends a call. A verdict of an older generation is about a provider that has been judged since. */
  function settle(
    generation: number,
    verdict: (row: BreakerRow, now: number) => BreakerRow | undefined,
  ): void {
    transact((row, now) => (row.generation === generation ? verdict(row, now) : undefined));
  }

  function passOf(generation: number, probe: boolean): Pass {
    const settled = probe ? new AbortController() : undefined;
    // A lease that cannot be renewed runs out, which is what leases are for.
    if (settled !== undefined) keepLease(generation, settled.signal).catch(() => {});
    return {
      succeeded(ttftMs) {
        settled?.abort();
        if (ttftMs !== undefined && ttftMs > settings.latencyMs) {
          settle(generation, (row, now) => fail(row, 'latency', now));
        } else if (probe) {
          settle(generation, succeed);
        }
      },
      failed(failure) {
        settled?.abort();
        if (traitsOf(failure).countsForBreaker) {
          settle(generation, (row, now) => fail(row, 'error', now));
        } else if (probe) {
          settle(generation, (row) => ({ ...row, probe: undefined }));
        }
      },
    };
  }

  /** A probe may take as long as an answer takes; its lease only says that somebody still waits for it. */
  async function keepLease(generation: number, settled: AbortSignal): Promise<void> {
    while (!settled.aborted) {
      await clock.sleep(PROBE_LEASE_MS / 3, settled).catch(() => {});
      if (settled.aborted) return;
      store.alone(() => {
        const row = store.read();
        if (row.generation !== generation || row.probe === undefined) return;
        const expiresAt = clock.now() + PROBE_LEASE_MS;
        store.write({ ...row, probe: { ...row.probe, expiresAt } });
      });
    }
  }

  function claimProbe(): Admission {
    let admission: Admission | undefined;
    const row = transact((before, now) => {
      const until = refusedUntil(before, settings.openMs, now);
      if (until !== undefined) admission = { admitted: false, until };
      if (until !== undefined || before.state === 'closed') return undefined;
      return {
        ...before,
        state: 'half-open',
        since: before.state === 'open' ? now : before.since,
        probe: { claimedAt: now, expiresAt: now + PROBE_LEASE_MS },
      };
    });
    const probe = row.state === 'half-open';
    return admission ?? { admitted: true, pass: passOf(row.generation, probe) };
  }

  return {
    id,
    admit() {
      const row = store.read();
      if (row.state === 'closed') return { admitted: true, pass: passOf(row.generation, false) };
      const until = refusedUntil(row, settings.openMs, clock.now());
      return until === undefined ? claimProbe() : { admitted: false, until };
    },
    judged(quality) {
      if (quality >= settings.quality) return;
      transact((row, now) =>
        // While a probe is out, it is the probe that decides.
        row.state === 'open' || row.probe !== undefined ? undefined : fail(row, 'quality', now),
      );
    },
    state: () => store.read().state,
    outlook() {
      const row = store.read();
      if (row.state === 'closed') return { state: 'closed' };
      const refused = refusedUntil(row, settings.openMs, clock.now()) !== undefined;
      return { state: refused ? row.state : 'half-open', opened: row.kind };
    },
  };
}

/** Until when a breaker lets nobody through. A time in the future means that the clock was set back. */
function refusedUntil(row: BreakerRow, openMs: number, now: number): number | undefined {
  const [from, until] =
    row.state === 'open'
      ? [row.since, row.since + openMs]
      : [row.probe?.claimedAt ?? 0, row.probe?.expiresAt ?? 0];
  return from <= now && now < until ? until : undefined;
}
