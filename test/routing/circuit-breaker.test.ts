import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createCircuitBreaker,
  PROBE_LEASE_MS,
  type BreakerChange,
  type BreakerSettings,
  type CircuitBreaker,
  type Pass,
} from '../../src/routing/circuit-breaker.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { holdClock, type HeldClock } from './held-clock.ts';

const ID = 'ollama:some-model';
const SETTINGS: BreakerSettings = {
  failures: 3,
  successes: 2,
  openMs: 10_000,
  windowMs: 60_000,
  latencyMs: 10_000,
  quality: 0.9,
};

let folder: string;
let databases: Database[];
let clock: HeldClock;
let changes: BreakerChange[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-breaker-'));
  databases = [];
  clock = holdClock();
  changes = [];
});
afterEach(() => {
  for (const database of databases) database.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A breaker with a database handle of its own, as another process would have. */
function newBreaker(id = ID): CircuitBreaker {
  const database = openDatabase(folder);
  databases.push(database);
  return createCircuitBreaker({
    database,
    id,
    settings: SETTINGS,
    clock,
    onChange: (change) => changes.push(change),
  });
}

function pass(breaker: CircuitBreaker): Pass {
  const admission = breaker.admit();
  if (!admission.admitted) throw new Error('expected to be let through');
  return admission.pass;
}

function fail(breaker: CircuitBreaker, times: number): void {
  for (let i = 0; i < times; i++) pass(breaker).failed('overloaded');
}

const steps = (): string[] => changes.map(({ from, to, kind }) => `${from} → ${to}: ${kind}`);

describe('a closed breaker', () => {
  it('opens at the last failure of the number, and says until when', () => {
    const breaker = newBreaker();
    fail(breaker, SETTINGS.failures - 1);
    expect(breaker.state()).toBe('closed');
    fail(breaker, 1);
    expect(breaker.admit()).toEqual({ admitted: false, until: clock.now() + SETTINGS.openMs });
    expect(changes).toEqual([
      { breaker: ID, from: 'closed', to: 'open', kind: 'error', at: clock.now() },
    ]);
  });

  it('forgets failures that have left the window', () => {
    const breaker = newBreaker();
    fail(breaker, SETTINGS.failures - 1);
    clock.skip(SETTINGS.windowMs);
    fail(breaker, SETTINGS.failures - 1);
    expect(breaker.state()).toBe('closed');
  });

  it('does not count what says nothing about the provider', () => {
    const breaker = newBreaker();
    for (const failure of ['cancelled', 'bad-request', 'context-too-long'] as const) {
      for (let i = 0; i < SETTINGS.failures; i++) pass(breaker).failed(failure);
    }
    expect(breaker.state()).toBe('closed');
  });

  it('counts answers that come late, and answers that are bad', () => {
    const breaker = newBreaker();
    pass(breaker).succeeded(SETTINGS.latencyMs);
    breaker.judged(SETTINGS.quality);
    pass(breaker).succeeded(SETTINGS.latencyMs + 1);
    breaker.judged(SETTINGS.quality - 0.01);
    expect(breaker.state()).toBe('closed');
    breaker.judged(0);
    expect(steps()).toEqual(['closed → open: quality']);
  });

  it('is one for each provider', () => {
    fail(newBreaker('ollama:a'), SETTINGS.failures);
    expect(newBreaker('ollama:b').state()).toBe('closed');
  });
});

describe('an open breaker', () => {
  it('lets one probe through after its time, and closes after enough good ones', () => {
    const breaker = newBreaker();
    fail(breaker, SETTINGS.failures);
    clock.skip(SETTINGS.openMs);
    for (let probe = 0; probe < SETTINGS.successes; probe++) {
      const taken = pass(breaker);
      expect(breaker.admit().admitted).toBe(false);
      taken.succeeded(1);
    }
    expect(breaker.admit().admitted).toBe(true);
    expect(steps()).toEqual([
      'closed → open: error',
      'open → half-open: error',
      'half-open → closed: error',
    ]);
  });

  it.each([
    ['fails', 'error', (probe: Pass) => probe.failed('transport')],
    ['is late', 'latency', (probe: Pass) => probe.succeeded(SETTINGS.latencyMs + 1)],
  ])('opens again when its probe %s', (_, kind, end) => {
    const breaker = newBreaker();
    fail(breaker, SETTINGS.failures);
    clock.skip(SETTINGS.openMs);
    end(pass(breaker));
    expect(breaker.admit()).toEqual({ admitted: false, until: clock.now() + SETTINGS.openMs });
    expect(steps().at(-1)).toBe(`half-open → open: ${kind}`);
  });

  it('takes a cancelled probe for no answer, and sends another one', () => {
    const breaker = newBreaker();
    fail(breaker, SETTINGS.failures);
    clock.skip(SETTINGS.openMs);
    pass(breaker).failed('cancelled');
    expect(breaker.state()).toBe('half-open');
    expect(breaker.admit().admitted).toBe(true);
  });

  it('does not listen to calls from before it opened', () => {
    const breaker = newBreaker();
    const early = pass(breaker);
    fail(breaker, SETTINGS.failures);
    clock.skip(SETTINGS.openMs);
    const probe = pass(breaker);
    early.failed('transport');
    expect(breaker.state()).toBe('half-open');
    probe.succeeded(1);
    expect(breaker.admit().admitted).toBe(true);
  });

  it('does not stay open for ever when the clock is set back', () => {
    const breaker = newBreaker();
    fail(breaker, SETTINGS.failures);
    clock.skip(-86_400_000);
    expect(breaker.admit().admitted).toBe(true);
  });
});

describe('a breaker of several processes', () => {
  it('counts the failures of all', () => {
    const [one, other] = [newBreaker(), newBreaker()];
    fail(one, SETTINGS.failures - 1);
    fail(other, 1);
    expect(one.admit().admitted).toBe(false);
  });

  it('is known to the next process', () => {
    fail(newBreaker(), SETTINGS.failures);
    databases.pop()?.close();
    expect(newBreaker().state()).toBe('open');
  });

  it('has one probe among all, for as long as its holder lives', async () => {
    const [one, other] = [newBreaker(), newBreaker()];
    fail(one, SETTINGS.failures);
    clock.skip(SETTINGS.openMs);
    const probe = pass(one);
    await clock.advance(PROBE_LEASE_MS * 10);
    expect(other.admit().admitted).toBe(false);
    probe.succeeded(1);
    expect(other.admit().admitted).toBe(true);
  });

  it('sends another probe when the holder of one is dead, and does not hear the dead one', () => {
    const [one, other] = [newBreaker(), newBreaker()];
    fail(one, SETTINGS.failures);
    clock.skip(SETTINGS.openMs);
    const dead = pass(one);
    clock.skip(PROBE_LEASE_MS - 1);
    expect(other.admit().admitted).toBe(false);
    clock.skip(1);
    const probe = pass(other);
    dead.failed('transport');
    expect(other.state()).toBe('half-open');
    probe.failed('transport');
    expect(other.state()).toBe('open');
  });

  it('gets over a process that was killed with the probe in its hands', async () => {
    const settings = { ...SETTINGS, openMs: 1 };
    fail(newBreaker(), SETTINGS.failures);
    clock.skip(Date.now() - clock.now());
    const holder = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        fileURLToPath(new URL('probe-holder.ts', import.meta.url)),
        folder,
        ID,
        JSON.stringify(settings),
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const [said] = await once(holder.stdout, 'data');
    expect(JSON.parse(String(said))).toMatchObject({ admitted: true });
    clock.skip(Date.now() - clock.now());
    const breaker = newBreaker();
    expect(breaker.admit().admitted).toBe(false);
    holder.kill('SIGKILL');
    await once(holder, 'exit');
    clock.skip(Date.now() - clock.now() + PROBE_LEASE_MS);
    pass(breaker).succeeded(1);
    pass(breaker).succeeded(1);
    expect(breaker.state()).toBe('closed');
  });
});
