import type { Config } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Ledger } from './ledger.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Between two pieces of a sweep, so that requests are answered meanwhile. */
const PAUSE_MS = 10;

export interface RetentionOptions {
  ledger: Pick<Ledger, 'sweep'>;
  clock: Clock;
  settings: Pick<Config['routing'], 'retentionDays' | 'sessionHours'> & {
    attemptDays: number;
  };
  /** Told when a sweep failed, as on a locked database or a full disk; it is tried again an hour later. */
  onFailure: (error: unknown) => void;
}

export interface Retention {
  /** Ends it, between two pieces of a sweep. */
  stop(): Promise<void>;
}

/**
 * Removes what is older than the configuration keeps: requests and events after `retentionDays`,
 * attempts after `attemptDays`, idle sessions after `sessionHours`. It sweeps at once and then every day, piece by piece, for as
 * long as the process runs.
 */
export function startRetention(options: RetentionOptions): Retention {
  const stopped = new AbortController();
  // Nothing but the abort ends it.
  const ended = sweepDaily(options, stopped.signal).catch(() => {});
  return {
    stop: () => {
      stopped.abort();
      return ended;
    },
  };
}

async function sweepDaily(
  { ledger, clock, settings, onFailure }: RetentionOptions,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    let restMs = DAY_MS;
    const now = clock.now();
    const before = {
      requests: now - settings.retentionDays * DAY_MS,
      attempts: now - settings.attemptDays * DAY_MS,
      sessions: now - settings.sessionHours * HOUR_MS,
    };
    try {
      while (ledger.sweep(before) > 0) await clock.sleep(PAUSE_MS, signal);
    } catch (error) {
      if (signal.aborted) return;
      onFailure(error);
      restMs = HOUR_MS;
    }
    await clock.sleep(restMs, signal);
  }
}
