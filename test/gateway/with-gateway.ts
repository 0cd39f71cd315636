import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import type { Clock } from '../../src/core/clock.ts';
import {
  createGateway,
  GATEWAY_TIMES,
  type Gateway,
  type GatewayOptions,
} from '../../src/gateway/gateway.ts';
import type { LogEntry } from '../../src/gateway/log.ts';
import { NO_TELEMETRY } from '../../src/telemetry/telemetry.ts';
import { scriptedRouter, type ScriptedRouter } from './scripted-router.ts';

export interface TestGateway {
  gateway: Gateway;
  router: ScriptedRouter;
  url: string;
  log: LogEntry[];
  post: (path: string, body: unknown, headers?: Record<string, string>) => Promise<Response>;
}

export const CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  },
};

/** A gateway on a free port in front of a scripted router, closed when the test ends. */
export async function withGateway(
  options: Partial<Omit<GatewayOptions, 'settings'>> & {
    settings?: Partial<GatewayOptions['settings']>;
  } = {},
): Promise<TestGateway> {
  const router = scriptedRouter();
  const log: LogEntry[] = [];
  const gateway = createGateway({
    router,
    openPatterns: async () => {
      throw new Error('There are no patterns.');
    },
    log: (entry) => log.push(entry),
    telemetry: NO_TELEMETRY,
    clock: CLOCK,
    version: '1.2.3',
    newId: randomUUID,
    ...options,
    times: { ...GATEWAY_TIMES, stopMs: 100, ...options.times },
    settings: { ...configSchema.parse({}).gateway, port: 0, ...options.settings },
  });
  const url = await gateway.listen();
  onTestFinished(() => gateway.close());
  const post: TestGateway['post'] = (path, body, headers = {}) =>
    fetch(`${url}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    });
  return { gateway, router, url, log, post };
}

/** All that an iterable gives. */
export async function collect<Item>(items: AsyncIterable<Item>): Promise<Item[]> {
  const collected: Item[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
