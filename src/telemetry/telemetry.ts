import type { Clock } from '../core/clock.ts';
import type { Usage } from '../core/request.ts';
import { readSettings } from './settings.ts';

/** A request that begins. Ids and agents go to its span, never into a label. */
export interface StartedRequest {
  requestId: string;
  /** Who asked, as `cli` or `openai`. */
  source: string;
  agent?: string | undefined;
  private: boolean;
  /** Whether it goes on with a session. */
  session: boolean;
}

/** What became of a request. Categories, complexities, tiers and policies are few: they become labels. */
export interface EndedRequest {
  state: 'answered' | 'failed' | 'cancelled';
  category: string;
  complexity: string;
  policy: string;
  /** Who answered, or was asked last. Absent where nobody could be asked. */
  tier?: string | undefined;
  /** `<server>:<model>`. */
  target?: string | undefined;
  /** Why it failed: a failure class or an error's code. */
  failure?: string | undefined;
  ttftMs?: number | undefined;
  totalMs: number;
  /** Milliseconds of `totalMs` that no target was at work. */
  overheadMs: number;
  usage?: Usage | undefined;
  /** Of all attempts; absent where one has no known price. */
  usd?: number | undefined;
}

export interface StartedAttempt {
  tier: string;
  /** `<server>:<model>`. */
  target: string;
}

export interface EndedAttempt {
  /** `ok` or a failure class. */
  outcome: string;
  ttftMs?: number | undefined;
  totalMs: number;
  usage?: Usage | undefined;
  /** Absent where no price is known. */
  usd?: number | undefined;
}

/** An attempt that goes on. */
export interface AttemptTelemetry {
  /** Once. */
  ended(attempt: EndedAttempt): void;
}

/** A request that goes on: it counts as in flight until it has ended. */
export interface RequestTelemetry {
  attemptStarted(attempt: StartedAttempt): AttemptTelemetry;
  /** Once, after its attempts. */
  ended(request: EndedRequest): void;
}

/** An answer of the gateway. */
export interface HttpAnswer {
  method: string;
  /** The route's pattern, as `/v1/chat/completions`, never the path that was asked for. */
  route: string;
  status: number;
  totalMs: number;
}

/**
 * Where the router and the gateway tell what happens. It never sees a prompt or an answer, and
 * nothing here throws.
 */
export interface Telemetry {
  requestStarted(request: StartedRequest): RequestTelemetry;
  /** @param target `<server>:<model>` */
  breakerChanged(target: string, state: 'closed' | 'open' | 'half-open'): void;
  /** The cloud was asked although it is for emergencies only. */
  emergency(trigger: string, target: string): void;
  /** Quality of a target as it was measured last, from 0 to 1. */
  qualityMeasured(target: string, quality: number): void;
  httpAnswered(answer: HttpAnswer): void;
  /** Every metric in Prometheus's text format; a comment where metrics are off. */
  prometheus(): Promise<string>;
  /** Sends what has not been sent, for at most two seconds, and ends. */
  shutdown(): Promise<void>;
}

export interface TelemetryOptions {
  /**
   * The standard variables of OpenTelemetry: see docs/observability.md. It must be the process's own
   * environment: the exporters read their addresses and headers from there.
   */
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
  version: string;
  /** Whether `prometheus()` is going to be asked. */
  prometheus: boolean;
  /**
   * The targets of the configuration, asked for where telemetry is on; any other is labelled
   * `other`, so that callers cannot make labels.
   */
  targets: () => Promise<readonly string[]>;
  /** The configuration's servers by name. */
  servers: Readonly<Record<string, { kind: string; url: string }>>;
  /** Told, once each, when something cannot be exported. */
  warn: (problem: string) => void;
}

/** Telemetry as it was asked for. Where nothing was, nothing is loaded and its methods do nothing. */
export async function createTelemetry(options: TelemetryOptions): Promise<Telemetry> {
  const settings = readSettings(options);
  if (!settings.traces && !settings.otlpMetrics && !settings.prometheus) return NO_TELEMETRY;
  const { openTelemetry } = await import('./open-telemetry.ts');
  return openTelemetry({ ...options, targets: await options.targets() }, settings);
}

const NO_ATTEMPT: AttemptTelemetry = { ended: () => {} };
const NO_REQUEST: RequestTelemetry = { attemptStarted: () => NO_ATTEMPT, ended: () => {} };

/** What is told goes nowhere. */
export const NO_TELEMETRY: Telemetry = {
  requestStarted: () => NO_REQUEST,
  breakerChanged: () => {},
  emergency: () => {},
  qualityMeasured: () => {},
  httpAnswered: () => {},
  prometheus: () => Promise.resolve('# Metrics are off.\n'),
  shutdown: () => Promise.resolve(),
};
