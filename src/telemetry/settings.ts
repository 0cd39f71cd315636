import type { TelemetryOptions } from './telemetry.ts';

/** What is on. */
export interface TelemetrySettings {
  traces: boolean;
  otlpMetrics: boolean;
  prometheus: boolean;
  /** Milliseconds between two exports of metrics; the SDK's own (a minute) when absent. */
  exportIntervalMs?: number;
}

/**
 * Reads the standard variables. A signal is exported when an address is given for it or for both, or
 * its exporter is named; `none` turns it off. Without any, nothing is: unlike the SDK's own default,
 * which sends to a collector that may not be there.
 */
export function readSettings({
  env,
  prometheus,
}: Pick<TelemetryOptions, 'env' | 'prometheus'>): TelemetrySettings {
  if (env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true') {
    return { traces: false, otlpMetrics: false, prometheus: false };
  }
  const interval = Number(env['OTEL_METRIC_EXPORT_INTERVAL']);
  return {
    traces: exports('TRACES', env),
    otlpMetrics: exports('METRICS', env),
    prometheus,
    ...(interval > 0 && { exportIntervalMs: interval }),
  };
}

function exports(signal: 'TRACES' | 'METRICS', env: TelemetryOptions['env']): boolean {
  const exporters = env[`OTEL_${signal}_EXPORTER`]?.trim();
  if (exporters) return exporters.split(',').some((exporter) => exporter.trim() === 'otlp');
  const endpoint =
    env[`OTEL_EXPORTER_OTLP_${signal}_ENDPOINT`] ?? env['OTEL_EXPORTER_OTLP_ENDPOINT'];
  return endpoint !== undefined && endpoint.trim() !== '';
}
