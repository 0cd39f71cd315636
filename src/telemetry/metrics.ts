import type { Attributes } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import type { Resource } from '@opentelemetry/resources';
import {
  MeterProvider,
  PeriodicExportingMetricReader,
  type IMetricReader,
} from '@opentelemetry/sdk-metrics';
import { ATTRIBUTES as A, COUNTERS, GAUGES, HISTOGRAMS } from './names.ts';
import type { TelemetrySettings } from './settings.ts';
import type { TargetNames } from './targets.ts';
import type { EndedAttempt, EndedRequest, HttpAnswer, StartedRequest } from './telemetry.ts';
import { watchExporter } from './watch-exporter.ts';

const OPERATION = 'chat';
const FEATURES = {
  session: { feature: 'session' },
  private: { feature: 'private' },
  batch: { feature: 'batch' },
  failover: { feature: 'failover' },
};
const BREAKER_STATES = ['closed', 'open', 'half-open'] as const;

/** The instruments and whoever reads them. */
export interface Metrics {
  inFlight(change: 1 | -1): void;
  attempt(names: TargetNames, tier: string, attempt: EndedAttempt): void;
  /** @param names absent where nobody could be asked */
  request(
    names: TargetNames | undefined,
    attempts: number,
    started: StartedRequest,
    ended: EndedRequest,
  ): void;
  breaker(names: TargetNames, state: (typeof BREAKER_STATES)[number]): void;
  emergency(names: TargetNames, trigger: string): void;
  quality(names: TargetNames, quality: number): void;
  http(answer: HttpAnswer): void;
  prometheus(): Promise<string>;
  shutdown(): Promise<void>;
}

export function openMetrics(
  resource: Resource,
  version: string,
  settings: TelemetrySettings,
  warn: (problem: string) => void,
): Metrics {
  // The exporter collects and keeps its own server shut: the gateway answers for it.
  const prometheus = settings.prometheus
    ? new PrometheusExporter({ preventServerStart: true })
    : undefined;
  const provider = new MeterProvider({ resource, readers: readers(prometheus, settings, warn) });
  const meter = provider.getMeter('aqe-llm', version);
  const histogram = (of: (typeof HISTOGRAMS)[keyof typeof HISTOGRAMS]) =>
    meter.createHistogram(of.name, {
      unit: of.unit,
      description: of.description,
      advice: { explicitBucketBoundaries: [...of.buckets] },
    });
  const operationDuration = histogram(HISTOGRAMS.operationDuration);
  const tokenUsage = histogram(HISTOGRAMS.tokenUsage);
  const timeToFirstToken = histogram(HISTOGRAMS.timeToFirstToken);
  const requestLatency = histogram(HISTOGRAMS.requestLatency);
  const routerOverhead = histogram(HISTOGRAMS.routerOverhead);
  const httpDuration = histogram(HISTOGRAMS.httpDuration);
  const tokens = meter.createCounter(COUNTERS.tokens.name, COUNTERS.tokens);
  const cachedTokens = meter.createCounter(COUNTERS.cachedTokens.name, COUNTERS.cachedTokens);
  const selections = meter.createCounter(COUNTERS.selections.name, COUNTERS.selections);
  const attempts = meter.createCounter(COUNTERS.attempts.name, COUNTERS.attempts);
  const features = meter.createCounter(COUNTERS.features.name, COUNTERS.features);
  const emergencies = meter.createCounter(COUNTERS.emergencies.name, COUNTERS.emergencies);
  const cost = meter.createCounter(COUNTERS.cost.name, COUNTERS.cost);
  const quality = meter.createGauge(GAUGES.quality.name, GAUGES.quality);
  const breaker = meter.createGauge(GAUGES.breaker.name, GAUGES.breaker);
  const inFlight = meter.createUpDownCounter(GAUGES.inFlight.name, GAUGES.inFlight);
  // A share of nothing is nothing to show: each feature is there from the start.
  for (const feature of Object.values(FEATURES)) features.add(0, feature);
  // Neither prefix nor timestamps nor the resource's labels, and no label that says "aqe-llm" on every line.
  const serializer = new PrometheusSerializer('', false, undefined, false, true);

  return {
    inFlight: (change) => inFlight.add(change),
    attempt({ system, provider: server, model, address }, tier, { outcome, ...attempt }) {
      const { usage = {}, ttftMs, totalMs, usd } = attempt;
      const convention: Attributes = {
        [A.operation]: OPERATION,
        [A.provider]: system,
        [A.requestModel]: model,
        ...(address !== undefined && { [A.serverAddress]: address }),
      };
      const fleet: Attributes = { tier, provider: server, model };
      attempts.add(1, { outcome, ...fleet });
      operationDuration.record(
        totalMs / 1000,
        outcome === 'ok' ? convention : { [A.error]: outcome, ...convention },
      );
      if (ttftMs !== undefined) timeToFirstToken.record(ttftMs / 1000, convention);
      for (const [type, count] of [
        ['input', usage.inputTokens],
        ['output', usage.outputTokens],
      ] as const) {
        if (count === undefined) continue;
        tokenUsage.record(count, { [A.tokenType]: type, ...convention });
        tokens.add(count, { type, ...fleet });
      }
      if (usage.cachedInputTokens !== undefined) cachedTokens.add(usage.cachedInputTokens, fleet);
      if (usd !== undefined) cost.add(usd, fleet);
    },
    request(names, tries, started, { tier = 'none', state, totalMs, overheadMs, ...ended }) {
      const { provider: server = 'none', model = 'none' } = names ?? {};
      const fleet: Attributes = { tier, provider: server, model };
      const { category, complexity, policy } = ended;
      selections.add(1, { state, category, complexity, policy, ...fleet });
      requestLatency.record(totalMs, { state, ...fleet });
      routerOverhead.record(overheadMs);
      if (started.session) features.add(1, FEATURES.session);
      if (started.private) features.add(1, FEATURES.private);
      if (started.source === 'batch') features.add(1, FEATURES.batch);
      if (tries > 1) features.add(1, FEATURES.failover);
    },
    breaker({ provider: server, model }, state) {
      for (const one of BREAKER_STATES) {
        breaker.record(one === state ? 1 : 0, { provider: server, model, state: one });
      }
    },
    emergency: ({ provider: server, model }, trigger) =>
      emergencies.add(1, { provider: server, model, trigger }),
    quality: ({ provider: server, model }, value) =>
      quality.record(value, { provider: server, model }),
    http: ({ method, route, status, totalMs }) =>
      httpDuration.record(totalMs / 1000, {
        [A.httpMethod]: method,
        [A.httpRoute]: route,
        [A.httpStatus]: status,
      }),
    prometheus: async () => {
      if (prometheus === undefined) return '# Metrics are not kept for Prometheus.\n';
      const { resourceMetrics } = await prometheus.collect();
      return serializer.serialize(resourceMetrics);
    },
    shutdown: () => provider.shutdown(),
  };
}

function readers(
  prometheus: IMetricReader | undefined,
  { otlpMetrics, exportIntervalMs }: TelemetrySettings,
  warn: (problem: string) => void,
): IMetricReader[] {
  const found: IMetricReader[] = prometheus === undefined ? [] : [prometheus];
  if (otlpMetrics) {
    found.push(
      new PeriodicExportingMetricReader({
        exporter: watchExporter('metrics', new OTLPMetricExporter(), warn),
        ...(exportIntervalMs !== undefined && {
          exportIntervalMillis: exportIntervalMs,
          exportTimeoutMillis: Math.min(exportIntervalMs, 30_000),
        }),
      }),
    );
  }
  return found;
}
