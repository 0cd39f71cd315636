import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../src/core/clock.ts';
import { quantile } from '../src/core/statistics.ts';
import { createTelemetry, type Telemetry } from '../src/telemetry/telemetry.ts';

const BATCH = 1000;
const ROUNDS = 60;
const WARM_UP = 10;
const TARGET = 'ollama:rnj-1';

const clock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

/**
 * What telling a request with one attempt costs its caller: off, with metrics, and with metrics and
 * traces, beside an empty loop, turn about in one run. Sending is not part of it: the collector on
 * loopback answers between the rounds.
 */
export async function run(out: (line: string) => void): Promise<void> {
  const collector = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end('{}'));
  });
  await new Promise<void>((resolve) => {
    collector.listen(0, '127.0.0.1', resolve);
  });
  const address = collector.address();
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0;
  // The exporter reads the process's own environment.
  process.env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] = `http://127.0.0.1:${port}/v1/traces`;
  const off = await open({}, false);
  const metrics = await open({}, true);
  const both = await open(process.env, true);
  const rounds: Record<string, { work: () => void; ns: number[] }> = {
    'empty loop (control)': { work: emptyLoop, ns: [] },
    off: { work: () => tell(off), ns: [] },
    'metrics on': { work: () => tell(metrics), ns: [] },
    'metrics and traces on': { work: () => tell(both), ns: [] },
  };
  const entries = Object.values(rounds);
  for (let round = -WARM_UP; round < ROUNDS; round++) {
    // Whoever comes second finds a warmer processor: they take turns at that as well.
    for (const { work, ns } of round % 2 === 0 ? entries : entries.toReversed()) {
      const started = process.hrtime.bigint();
      work();
      const spent = Number(process.hrtime.bigint() - started) / BATCH;
      if (round >= 0) ns.push(spent);
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }
  for (const [name, { ns }] of Object.entries(rounds)) {
    const sorted = ns.toSorted((a, b) => a - b);
    const at = (share: number): string => quantile(sorted, share).toFixed(0).padStart(7);
    out(`${name.padEnd(22)} ns per request: p50 ${at(0.5)}  p90 ${at(0.9)}`);
  }
  out(`${ROUNDS} rounds of ${BATCH} requests each, one attempt a request`);
  await Promise.all([off, metrics, both].map((telemetry) => telemetry.shutdown()));
  delete process.env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'];
  collector.closeAllConnections();
  await new Promise((resolve) => {
    collector.close(resolve);
  });
}

function open(env: NodeJS.ProcessEnv, prometheus: boolean): Promise<Telemetry> {
  return createTelemetry({
    env,
    clock,
    version: '0',
    prometheus,
    targets: async () => [TARGET],
    servers: { ollama: { kind: 'ollama', url: 'http://127.0.0.1:11434' } },
    warn: () => {},
  });
}

function emptyLoop(): void {
  for (let count = 0; count < BATCH; count++) void count;
}

function tell(telemetry: Telemetry): void {
  for (let count = 0; count < BATCH; count++) {
    const request = telemetry.requestStarted({
      requestId: 'bench',
      source: 'openai',
      private: false,
      session: true,
    });
    const usage = { inputTokens: 90, outputTokens: 60, cachedInputTokens: 64 };
    request
      .attemptStarted({ tier: 'direct', target: TARGET })
      .ended({ outcome: 'ok', ttftMs: 300, totalMs: 1500, usage, usd: 0 });
    request.ended({
      state: 'answered',
      category: 'test-generation',
      complexity: 'moderate',
      policy: 'strategy',
      tier: 'direct',
      target: TARGET,
      ttftMs: 301,
      totalMs: 1501,
      overheadMs: 0.4,
      usage,
      usd: 0,
    });
  }
}
