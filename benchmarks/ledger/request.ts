import { randomInt } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { loadPrices } from '../../src/config/prices/load-prices.ts';
import { configSchema } from '../../src/config/schema.ts';
import { quantile } from '../../src/core/statistics.ts';
import { createCharges } from '../../src/ledger/charge.ts';
import { recordApart } from '../../src/ledger/recorder-thread.ts';
import { recordHere, recorderBy, type Recorder } from '../../src/ledger/recorder.ts';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import type { Provider } from '../../src/providers/provider.ts';
import type { Router } from '../../src/routing/router.ts';
import { createSessions } from '../../src/routing/sessions.ts';
import { createTargetPool } from '../../src/routing/target-pool.ts';
import { createRouter } from '../../src/routing/walk.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { NO_TELEMETRY } from '../../src/telemetry/telemetry.ts';
import { systemClock as clock } from '../../test/providers/http/loopback.ts';

const WARM_UP = 500;
const ROUNDS = 3000;
const NOBODY: Recorder = recorderBy(
  async () => {},
  async () => {},
);

/**
 * A whole request through the router, with a ledger and with one that writes nothing, turn about in
 * one run: what the ledger adds to a request. Promise: below 0.2 ms at the median.
 */
export async function requests(out: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-ledger-'));
  const database = openDatabase(folder);
  const apart = openDatabase(folder);
  const sides: Record<string, { router: Router; times: number[] }> = {
    'nothing written (control)': { router: open(database, NOBODY), times: [] },
    'as a command writes': {
      router: open(database, recordHere(createLedger(database))),
      times: [],
    },
    'as the gateway writes': {
      router: open(database, recordApart({ stateFolder: folder, lockMs: 1000 }, apart)),
      times: [],
    },
  };
  try {
    const entries = Object.values(sides);
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      // Whoever comes second finds a warmer processor: they take turns at that as well.
      for (const { router, times } of round % 2 === 0 ? entries : entries.toReversed()) {
        const started = performance.now();
        await router.complete({
          messages: [{ role: 'user', content: `Write a test for the function number ${round}.` }],
          model: 'stub:m',
        });
        if (round >= 0) times.push(performance.now() - started);
      }
    }
    const control = middle(entries[0]?.times ?? []);
    out(`${ROUNDS} requests each, one after the other, of a model that answers at once`);
    for (const [name, { times }] of Object.entries(sides)) {
      const sorted = times.toSorted((a, b) => a - b);
      const p95 = quantile(sorted, 0.95).toFixed(3);
      const added = `adds ${(middle(times) - control).toFixed(3)} ms at the median`;
      out(
        `${name.padEnd(26)} p50 ${middle(times).toFixed(3)} ms  p95 ${p95} ms${times === entries[0]?.times ? '' : `  ${added}`}`,
      );
    }
  } finally {
    for (const { router } of Object.values(sides)) await router.close();
    for (const each of [database, apart]) each.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function middle(times: readonly number[]): number {
  return quantile(
    times.toSorted((a, b) => a - b),
    0.5,
  );
}

function open(database: Database, recorder: Recorder): Router {
  const config = configSchema.parse({
    servers: { stub: { kind: 'openai-compatible', url: 'http://127.0.0.1:9' } },
    tiers: { direct: 'stub:m' },
  });
  const { servers, tiers, breaker, deadlines, routing } = config;
  return createRouter({
    settings: routing,
    pool: createTargetPool({
      tiers,
      servers,
      breaker,
      totalMs: deadlines.totalMs,
      database,
      clock,
      random: randomInt,
      charges: createCharges(servers, loadPrices(undefined)),
      askServer: async () => undefined,
      embeddedModel: async () => 'none',
      openProvider: async () => STUB,
      qualityOf: () => undefined,
      onBreaker: () => {},
      onTrouble: () => {},
    }),
    recorder,
    sessions: createSessions({ database, clock, sessionHours: 1, holder: 'bench' }),
    telemetry: NO_TELEMETRY,
    clock,
    random: randomInt,
    onEvent: () => {},
    closeMs: 1000,
  });
}

const ANSWER = {
  model: 'm',
  text: 'it works',
  finishReason: 'stop',
  usage: { inputTokens: 20, outputTokens: 3 },
  timing: { measured: true, ttftMs: 0, totalMs: 0 },
} as const;

const STUB: Provider = {
  id: 'stub:m',
  complete: async () => ANSWER,
  async *stream() {
    yield { type: 'text', text: ANSWER.text };
    yield { type: 'finished', completion: ANSWER };
  },
  embed: async () => [],
  countTokens: async () => 20,
  health: async () => ({ state: 'ready', detail: '' }),
  metadata: async () => ({
    id: 'stub:m',
    model: 'm',
    versions: {},
    concurrency: 1,
    replayed: false,
  }),
  shutdown: async () => {},
};
