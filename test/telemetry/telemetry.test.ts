import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { COUNTERS, GAUGES, HISTOGRAMS } from '../../src/telemetry/names.ts';
import { createTelemetry } from '../../src/telemetry/telemetry.ts';
import { startCollector, type Collector, type ReceivedMetric } from './collector.ts';
import { CLOUD, LOCAL, telemetryOptions, tellOneOfEach } from './one-of-each.ts';

let collector: Collector;

beforeEach(async () => {
  collector = await startCollector();
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await collector.close();
});

/** The exporters read the process's own environment. */
function environment(variables: Record<string, string>): NodeJS.ProcessEnv {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
  return process.env;
}

async function tellCollector(variables: Record<string, string> = {}): Promise<void> {
  const env = environment({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, ...variables });
  const telemetry = await createTelemetry(telemetryOptions({ env }));
  tellOneOfEach(telemetry);
  await telemetry.shutdown();
}

function pointsOf(metric: ReceivedMetric | undefined) {
  return (metric?.sum ?? metric?.gauge ?? metric?.histogram)?.dataPoints ?? [];
}

const metricNamed = (name: string) => collector.metrics.find((metric) => metric.name === name);

describe('OTLP metrics', () => {
  it('come with the names, units and buckets of names.ts, and no others', async () => {
    await tellCollector();
    const named = [HISTOGRAMS, COUNTERS, GAUGES].flatMap((group) => Object.values(group));
    expect(collector.metrics.map(({ name, unit }) => ({ name, unit })).toSorted(byName)).toEqual(
      named.map(({ name, unit }) => ({ name, unit })).toSorted(byName),
    );
    for (const { name, buckets } of Object.values(HISTOGRAMS)) {
      expect(pointsOf(metricNamed(name))[0]?.explicitBounds, name).toEqual([...buckets]);
    }
    for (const { name } of Object.values(COUNTERS)) {
      expect(metricNamed(name)?.sum?.isMonotonic, name).toBe(true);
    }
  });

  it('follow the GenAI conventions for each attempt', async () => {
    await tellCollector();
    const convention = {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': 'anthropic',
      'gen_ai.request.model': 'claude-sonnet-5-5',
      'server.address': 'api.anthropic.com',
    };
    expect(pointsOf(metricNamed('gen_ai.client.operation.duration'))).toMatchObject([
      {
        attributes: {
          'gen_ai.provider.name': 'ollama',
          'gen_ai.request.model': 'rnj-1',
          'server.address': '127.0.0.1',
          'error.type': 'transport',
        },
        sum: 0.04,
      },
      { attributes: convention, sum: 1.5, count: 1 },
    ]);
    expect(pointsOf(metricNamed('gen_ai.client.token.usage'))).toMatchObject([
      { attributes: { ...convention, 'gen_ai.token.type': 'input' }, sum: 100 },
      { attributes: { ...convention, 'gen_ai.token.type': 'output' }, sum: 20 },
    ]);
    expect(pointsOf(metricNamed('gen_ai.server.time_to_first_token'))).toMatchObject([
      { attributes: convention, sum: 0.3 },
    ]);
  });

  it("keep the plan's own names, for requests and their targets", async () => {
    await tellCollector();
    const cloud = { tier: 'cloud', provider: 'anthropic', model: 'claude-sonnet-5-5' };
    const nobody = { tier: 'none', provider: 'none', model: 'none' };
    expect(pointsOf(metricNamed('llm.request.latency'))).toMatchObject([
      { attributes: { ...cloud, state: 'answered' }, sum: 1545 },
      { attributes: { ...nobody, state: 'failed' }, sum: 1 },
    ]);
    expect(pointsOf(metricNamed('llm.tokens.processed'))).toMatchObject([
      { attributes: { ...cloud, type: 'input' }, asDouble: 100 },
      { attributes: { ...cloud, type: 'output' }, asDouble: 20 },
    ]);
    expect(pointsOf(metricNamed('llm.model.selection'))[0]).toMatchObject({
      attributes: {
        ...cloud,
        state: 'answered',
        category: 'test-generation',
        complexity: 'moderate',
        policy: 'strategy',
      },
      asDouble: 1,
    });
    expect(pointsOf(metricNamed('llm_request_cost'))).toMatchObject([
      { attributes: cloud, asDouble: 0.25 },
    ]);
    expect(pointsOf(metricNamed('llm_request_quality'))).toMatchObject([
      { attributes: { provider: 'ollama', model: 'rnj-1' }, asDouble: 0.93 },
    ]);
    expect(
      pointsOf(metricNamed('llm_circuit_breaker_state')).map(({ attributes, asDouble }) => [
        attributes['state'],
        asDouble,
      ]),
    ).toEqual([
      ['closed', 0],
      ['open', 1],
      ['half-open', 0],
    ]);
    expect(pointsOf(metricNamed('llm.requests.in_flight'))[0]?.asDouble).toBe(1);
    expect(
      pointsOf(metricNamed('llm.request.features')).map(({ attributes, asDouble }) => [
        attributes['feature'],
        asDouble,
      ]),
    ).toEqual([
      ['session', 1],
      ['private', 1],
      ['batch', 1],
      ['failover', 1],
    ]);
  });

  it('grow no labels with what callers name', async () => {
    const env = environment({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const telemetry = await createTelemetry(telemetryOptions({ env }));
    for (const target of ['ollama:one', 'ollama:two', 'nowhere:three']) {
      const request = telemetry.requestStarted({
        requestId: target,
        source: 'openai',
        agent: target,
        private: false,
        session: true,
      });
      request.attemptStarted({ tier: 'direct', target }).ended({ outcome: 'ok', totalMs: 1 });
    }
    await telemetry.shutdown();
    expect(pointsOf(metricNamed('llm.attempts')).map(({ attributes }) => attributes)).toEqual([
      { tier: 'direct', provider: 'ollama', model: 'other', outcome: 'ok' },
      { tier: 'direct', provider: 'other', model: 'other', outcome: 'ok' },
    ]);
    expect(JSON.stringify(collector.metrics)).not.toMatch(/one|two|three|nowhere/);
  });
});

describe('OTLP traces', () => {
  it('show a request and, under it, its attempts', async () => {
    await tellCollector();
    const [first, second, request, failed, ...rest] = collector.spans;
    expect(rest).toEqual([]);
    expect(request).toMatchObject({
      name: 'route',
      attributes: {
        'llm.request.id': 'req-1',
        'llm.source': 'batch',
        'llm.private': true,
        'llm.category': 'test-generation',
        'llm.complexity': 'moderate',
        'llm.policy': 'strategy',
        'llm.tier': 'cloud',
        'llm.target': CLOUD,
        'llm.state': 'answered',
        'gen_ai.agent.name': 'qe-test-generator',
        'gen_ai.usage.input_tokens': 100,
        'gen_ai.usage.output_tokens': 20,
      },
      status: { code: 0 },
    });
    expect(request?.parentSpanId).toBeUndefined();
    expect([first?.parentSpanId, second?.parentSpanId]).toEqual([request?.spanId, request?.spanId]);
    expect([first?.traceId, second?.traceId]).toEqual([request?.traceId, request?.traceId]);
    expect(first).toMatchObject({
      name: 'chat rnj-1',
      kind: 3,
      attributes: { 'error.type': 'transport', 'server.port': 11434 },
      status: { code: 2 },
    });
    expect(second).toMatchObject({
      name: 'chat claude-sonnet-5-5',
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'anthropic',
        'gen_ai.request.model': 'claude-sonnet-5-5',
        'gen_ai.usage.cache_read.input_tokens': 60,
        'server.address': 'api.anthropic.com',
        'server.port': 443,
      },
    });
    expect(failed).toMatchObject({
      attributes: { 'llm.state': 'failed', 'error.type': 'route.nobody' },
      status: { code: 2 },
    });
  });
});

describe('the standard variables', () => {
  it('name the service and give headers', async () => {
    await tellCollector({
      OTEL_SERVICE_NAME: 'fleet',
      OTEL_RESOURCE_ATTRIBUTES: 'deployment.environment.name=test',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-team=qe',
    });
    expect(collector.resources[0]).toMatchObject({
      'service.name': 'fleet',
      'service.version': '1.2.3',
      'deployment.environment.name': 'test',
    });
    expect(collector.requests.map(({ headers }) => headers['x-team'])).toEqual(['qe', 'qe']);
  });

  it('send one signal only, where one has an address', async () => {
    await tellCollector({
      OTEL_EXPORTER_OTLP_ENDPOINT: '',
      OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${collector.url}/here/v1/traces`,
    });
    expect(collector.requests.map(({ path }) => path)).toEqual(['/here/v1/traces']);
  });

  it('sample traces', async () => {
    await tellCollector({ OTEL_TRACES_SAMPLER: 'always_off', OTEL_METRICS_EXPORTER: 'none' });
    expect(collector.requests).toEqual([]);
  });

  it('turn everything off', async () => {
    await tellCollector({ OTEL_SDK_DISABLED: 'true' });
    expect(collector.requests).toEqual([]);
  });
});

describe('a collector that takes nothing', () => {
  it('is told of once for each signal, however often it refuses', async () => {
    const refusing = await startCollector(400);
    const problems: string[] = [];
    const env = environment({
      OTEL_EXPORTER_OTLP_ENDPOINT: refusing.url,
      OTEL_METRIC_EXPORT_INTERVAL: '20',
    });
    const telemetry = await createTelemetry(
      telemetryOptions({ env, warn: (problem) => problems.push(problem) }),
    );
    tellOneOfEach(telemetry);
    await vi.waitUntil(() => refusing.requests.length > 3, { timeout: 60_000 });
    await telemetry.shutdown();
    await refusing.close();
    expect(problems.toSorted()).toEqual([
      'metrics cannot be exported: Bad Request',
      'traces cannot be exported: Bad Request',
    ]);
  });

  it('does not hold up the end when it never answers', async () => {
    const silent = await startCollector('never');
    const problems: string[] = [];
    const env = environment({ OTEL_EXPORTER_OTLP_ENDPOINT: silent.url });
    const telemetry = await createTelemetry(
      telemetryOptions({
        env,
        // The bound passes at once.
        clock: { now: () => 0, monotonic: () => 0, sleep: () => Promise.resolve() },
        warn: (problem) => problems.push(problem),
      }),
    );
    tellOneOfEach(telemetry);
    await telemetry.shutdown();
    await silent.close();
    expect(problems[0]).toBe('telemetry was not sent within 2000 ms');
  });
});

it('knows a local target by the names of the configuration', async () => {
  const telemetry = await createTelemetry(telemetryOptions({ prometheus: true }));
  telemetry.qualityMeasured(LOCAL, 0.5);
  expect(await telemetry.prometheus()).toContain('provider="ollama",model="rnj-1"');
  await telemetry.shutdown();
});

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
