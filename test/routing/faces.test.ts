import { mkdtempSync, rmSync } from 'node:fs';
import { randomInt } from 'node:crypto';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { configSchema } from '../../src/config/schema.ts';
import { recordHere } from '../../src/ledger/recorder.ts';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import { openServer } from '../../src/providers/open-server.ts';
import type { RouteRequest } from '../../src/routing/decision.ts';
import type { Router } from '../../src/routing/router.ts';
import { createSessions } from '../../src/routing/sessions.ts';
import { loadPrices } from '../../src/config/prices/load-prices.ts';
import { createCharges } from '../../src/ledger/charge.ts';
import { createTargetPool } from '../../src/routing/target-pool.ts';
import { splitSpec } from '../../src/routing/targets.ts';
import { createRouter, type RouterEvent, type WalkFaces } from '../../src/routing/walk.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { NO_TELEMETRY } from '../../src/telemetry/telemetry.ts';
import { systemClock as clock } from '../providers/http/loopback.ts';
import { startModelServer } from './model-server.ts';

/** A router whose other rooms are the given ones; its orchestrated tier answers `near: …`. */
async function openWith(faces: WalkFaces): Promise<{ router: Router; events: RouterEvent[] }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'aqe-faces-'));
  const near = await startModelServer('near');
  const far = await startModelServer('far');
  const config = configSchema.parse({
    servers: {
      near: { kind: 'openai-compatible', url: near.url },
      far: { kind: 'openai-compatible', url: far.url },
    },
    tiers: { orchestrated: 'near:m', direct: 'far:m' },
  });
  const { servers, tiers, breaker, deadlines, routing } = config;
  const database = openDatabase(folder);
  const events: RouterEvent[] = [];
  const pool = createTargetPool({
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
    openProvider: async (spec) => {
      const { server: name, model } = splitSpec(spec);
      const server = servers[name];
      if (server === undefined) throw new Error(`no ${name}`);
      return openServer({ name, server, model }, { deadlines, env: {}, clock });
    },
    qualityOf: () => undefined,
    onBreaker: () => {},
    onTrouble: () => {},
  });
  const router = createRouter({
    settings: routing,
    pool,
    recorder: recordHere(createLedger(database)),
    sessions: createSessions({ database, clock, sessionHours: 1, holder: 'test' }),
    telemetry: NO_TELEMETRY,
    clock,
    random: randomInt,
    onEvent: (event) => events.push(event),
    closeMs: 1000,
    faces,
  });
  onTestFinished(async () => {
    await router.close();
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });
  return { router, events };
}

const request: RouteRequest = {
  messages: [{ role: 'user', content: 'Say hello' }],
  model: 'near:m',
};

describe('rooms that others fill', () => {
  it('gives the decision what is remembered', async () => {
    const neighbour = { id: 'p1', similarity: 0.97, target: 'near:m', quality: 0.95 };
    const { router } = await openWith({ recall: async () => ({ neighbours: [neighbour] }) });
    expect((await router.complete(request)).decision.neighbours).toEqual([neighbour]);
  });

  it('refines whole answers of the orchestrated tier, and learns from the better one', async () => {
    const learned: string[] = [];
    const { router } = await openWith({
      refine: async ({ completion }) => ({ ...completion, text: `${completion.text}!` }),
      learn: ({ completion }) => learned.push(completion.text),
    });
    expect((await router.complete(request)).completion.text).toBe('near: Say hello!');
    const direct = await router.complete({ ...request, model: 'far:m' });
    expect(direct.completion.text).toBe('far: Say hello');
    expect(learned).toEqual(['near: Say hello!', 'far: Say hello']);
  });

  it('answers although one of them fails, and says so', async () => {
    const fails = (name: string) => () => {
      throw new Error(`${name} is out of order`);
    };
    const { router, events } = await openWith({
      recall: async () => fails('memory')(),
      refine: async () => fails('refinement')(),
      learn: fails('learning'),
    });
    expect((await router.complete(request)).completion.text).toBe('near: Say hello');
    expect(events).toEqual(
      ['memory', 'refinement', 'learning'].map((name) => ({
        type: 'trouble',
        message: `${name} is out of order`,
      })),
    );
  });
});
