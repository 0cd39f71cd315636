import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../src/core/clock.ts';
import type { Telemetry, TelemetryOptions } from '../../src/telemetry/telemetry.ts';

export const CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  },
};

export const LOCAL = 'ollama:rnj-1';
export const CLOUD = 'anthropic:claude-sonnet-5-5';

/** Telemetry of a configuration with a local and a cloud target. */
export function telemetryOptions(overrides: Partial<TelemetryOptions>): TelemetryOptions {
  return {
    env: {},
    clock: CLOCK,
    version: '1.2.3',
    prometheus: false,
    targets: async () => [LOCAL, CLOUD],
    servers: {
      ollama: { kind: 'ollama', url: 'http://127.0.0.1:11434' },
      anthropic: { kind: 'anthropic', url: 'https://api.anthropic.com' },
    },
    warn: () => {},
    ...overrides,
  };
}

/** A request that fails locally and is answered by the cloud, one that is cancelled, and each event. */
export function tellOneOfEach(telemetry: Telemetry): void {
  const request = telemetry.requestStarted({
    requestId: 'req-1',
    source: 'batch',
    agent: 'qe-test-generator',
    private: true,
    session: true,
  });
  request
    .attemptStarted({ tier: 'direct', target: LOCAL })
    .ended({ outcome: 'transport', totalMs: 40 });
  const usage = { inputTokens: 100, outputTokens: 20, cachedInputTokens: 60 };
  request
    .attemptStarted({ tier: 'cloud', target: CLOUD })
    .ended({ outcome: 'ok', ttftMs: 300, totalMs: 1500, usage, usd: 0.25 });
  request.ended({
    state: 'answered',
    category: 'test-generation',
    complexity: 'moderate',
    policy: 'strategy',
    tier: 'cloud',
    target: CLOUD,
    ttftMs: 345,
    totalMs: 1545,
    overheadMs: 0.4,
    usage,
    usd: 0.25,
  });
  telemetry
    .requestStarted({ requestId: 'req-2', source: 'openai', private: false, session: false })
    .ended({
      state: 'failed',
      category: 'other',
      complexity: 'simple',
      policy: 'privacy',
      failure: 'route.nobody',
      totalMs: 1,
      overheadMs: 1,
    });
  telemetry.requestStarted({ requestId: 'req-3', source: 'cli', private: false, session: false });
  telemetry.breakerChanged(LOCAL, 'open');
  telemetry.emergency('local-failures', CLOUD);
  telemetry.qualityMeasured(LOCAL, 0.93);
  telemetry.httpAnswered({
    method: 'POST',
    route: '/v1/chat/completions',
    status: 200,
    totalMs: 1546,
  });
}
