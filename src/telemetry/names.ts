/**
 * Every name and unit that telemetry uses: OpenTelemetry's GenAI conventions, which are still in
 * development, the fleet's own `llm.*`, and the conventions of HTTP servers. Prometheus sees a name
 * with `_` for `.`, and with `_total` where it is a counter.
 */

interface Named {
  name: string;
  unit: string;
  description: string;
}

interface Histogram extends Named {
  /** Upper bounds. */
  buckets: readonly number[];
}

const upTo = (first: number, factor: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first * factor ** index);

/** As the convention asks: .01 to 81.92 seconds, each twice the one before. */
const OPERATION_SECONDS = [
  0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24,
].concat([20.48, 40.96, 81.92]);

export const HISTOGRAMS = {
  operationDuration: {
    name: 'gen_ai.client.operation.duration',
    unit: 's',
    description: 'One call of a model, from the request to the last token.',
    buckets: OPERATION_SECONDS,
  },
  tokenUsage: {
    name: 'gen_ai.client.token.usage',
    unit: '{token}',
    description: 'Tokens of one call, as the server counts them.',
    buckets: upTo(1, 4, 14),
  },
  timeToFirstToken: {
    name: 'gen_ai.server.time_to_first_token',
    unit: 's',
    description: 'One call of a model, from the request to the first token.',
    // The convention ends at 10 s, where a long prompt on a processor only begins.
    buckets: [
      0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40,
      80, 160,
    ],
  },
  requestLatency: {
    name: 'llm.request.latency',
    unit: 'ms',
    description: 'One request, from the question to the last token, all attempts included.',
    buckets: [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 20_000, 40_000, 80_000, 160_000],
  },
  routerOverhead: {
    name: 'llm.router.overhead',
    unit: 'ms',
    description: 'The part of a request during which no model was at work.',
    buckets: [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000],
  },
  httpDuration: {
    name: 'http.server.request.duration',
    unit: 's',
    description: 'One request to the gateway.',
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160],
  },
} as const satisfies Record<string, Histogram>;

export const COUNTERS = {
  tokens: {
    name: 'llm.tokens.processed',
    unit: '{token}',
    description: 'Tokens of all calls; those from a prefix cache are part of the input.',
  },
  cachedTokens: {
    name: 'llm.tokens.cached',
    unit: '{token}',
    description: 'Tokens of prompts that a prefix cache answered for.',
  },
  selections: {
    name: 'llm.model.selection',
    unit: '{request}',
    description: 'Requests that ended, by who answered or was asked last, and by the policy.',
  },
  attempts: {
    name: 'llm.attempts',
    unit: '{attempt}',
    description: 'Calls of models, by outcome.',
  },
  features: {
    name: 'llm.request.features',
    unit: '{request}',
    description: 'Requests that used a feature of the router.',
  },
  emergencies: {
    name: 'llm.emergency.uses',
    unit: '{request}',
    description: 'Uses of a cloud that is for emergencies only.',
  },
  cost: {
    name: 'llm_request_cost',
    unit: 'USD',
    description: 'Dollars of all calls that have a known price.',
  },
} as const satisfies Record<string, Named>;

export const GAUGES = {
  quality: {
    name: 'llm_request_quality',
    unit: '1',
    description: 'Quality as it was measured last, from 0 to 1.',
  },
  breaker: {
    name: 'llm_circuit_breaker_state',
    unit: '1',
    description: '1 for the state that a circuit breaker is in, 0 for the others.',
  },
  inFlight: {
    name: 'llm.requests.in_flight',
    unit: '{request}',
    description: 'Requests that go on now.',
  },
} as const satisfies Record<string, Named>;

export const ATTRIBUTES = {
  operation: 'gen_ai.operation.name',
  provider: 'gen_ai.provider.name',
  requestModel: 'gen_ai.request.model',
  agent: 'gen_ai.agent.name',
  tokenType: 'gen_ai.token.type',
  inputTokens: 'gen_ai.usage.input_tokens',
  outputTokens: 'gen_ai.usage.output_tokens',
  cachedTokens: 'gen_ai.usage.cache_read.input_tokens',
  error: 'error.type',
  serverAddress: 'server.address',
  serverPort: 'server.port',
  httpMethod: 'http.request.method',
  httpRoute: 'http.route',
  httpStatus: 'http.response.status_code',
  requestId: 'llm.request.id',
  source: 'llm.source',
  private: 'llm.private',
  category: 'llm.category',
  complexity: 'llm.complexity',
  policy: 'llm.policy',
  tier: 'llm.tier',
  target: 'llm.target',
  state: 'llm.state',
  ttft: 'llm.ttft_ms',
  overhead: 'llm.overhead_ms',
  usd: 'llm.cost_usd',
} as const;
