import {
  detectResources,
  envDetector,
  resourceFromAttributes,
  type Resource,
} from '@opentelemetry/resources';
import { openMetrics, type Metrics } from './metrics.ts';
import type { TelemetrySettings } from './settings.ts';
import { targetNames } from './targets.ts';
import type { Telemetry, TelemetryOptions } from './telemetry.ts';
import { openTraces } from './traces.ts';

const SERVICE = 'aqe-llm';
const SHUTDOWN_MS = 2000;

/**
 * Telemetry by the SDK of OpenTelemetry. Only this file and those it imports load it. Nothing is
 * registered globally: a program that embeds this one keeps its own.
 */
export function openTelemetry(
  options: Omit<TelemetryOptions, 'targets'> & { targets: readonly string[] },
  settings: TelemetrySettings,
): Telemetry {
  const warn = once(options.warn);
  const resource = describeService(options.version);
  const names = targetNames(options);
  const metrics =
    settings.prometheus || settings.otlpMetrics
      ? openMetrics(resource, options.version, settings, warn)
      : undefined;
  const traces = settings.traces ? openTraces(resource, options.version, warn) : undefined;
  return {
    requestStarted(started) {
      metrics?.inFlight(1);
      const span = traces?.request(started);
      let attempts = 0;
      return {
        attemptStarted({ tier, target }) {
          attempts += 1;
          const named = names(target);
          const child = span?.attempt({ tier, target }, named);
          return {
            ended(attempt) {
              metrics?.attempt(named, tier, attempt);
              child?.ended(attempt);
            },
          };
        },
        ended(ended) {
          const named = ended.target === undefined ? undefined : names(ended.target);
          metrics?.inFlight(-1);
          metrics?.request(named, attempts, started, ended);
          span?.ended(ended);
        },
      };
    },
    breakerChanged: (target, state) => metrics?.breaker(names(target), state),
    emergency: (trigger, target) => metrics?.emergency(names(target), trigger),
    qualityMeasured: (target, quality) => metrics?.quality(names(target), quality),
    httpAnswered: (answer) => metrics?.http(answer),
    prometheus: () => metrics?.prometheus() ?? Promise.resolve('# Metrics are off.\n'),
    shutdown: () => endWithin([metrics, traces], options),
  };
}

/** The service's own name and version, under what the standard variables say. */
function describeService(version: string): Resource {
  return resourceFromAttributes({ 'service.name': SERVICE, 'service.version': version }).merge(
    detectResources({ detectors: [envDetector] }),
  );
}

/** A collector that is away must not hold up the end of the process. */
async function endWithin(
  parts: readonly (Pick<Metrics, 'shutdown'> | undefined)[],
  { clock, warn }: Pick<TelemetryOptions, 'clock' | 'warn'>,
): Promise<void> {
  const late = new AbortController();
  const ended = Promise.allSettled(parts.map(async (part) => part?.shutdown())).finally(() => {
    late.abort();
  });
  const bound = clock.sleep(SHUTDOWN_MS, late.signal).then(
    () => warn(`telemetry was not sent within ${SHUTDOWN_MS} ms`),
    () => {},
  );
  await Promise.race([ended, bound]);
}

/** An exporter that cannot reach its collector says so every few seconds; once is enough. */
function once(warn: (problem: string) => void): (problem: string) => void {
  const told = new Set<string>();
  return (problem) => {
    if (told.has(problem)) return;
    told.add(problem);
    warn(problem);
  };
}
