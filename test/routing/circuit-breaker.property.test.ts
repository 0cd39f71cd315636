import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  createCircuitBreaker,
  PROBE_LEASE_MS,
  type BreakerSettings,
  type CircuitBreaker,
  type Pass,
} from '../../src/routing/circuit-breaker.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { holdClock, type HeldClock } from './held-clock.ts';

const SETTINGS: BreakerSettings = {
  failures: 3,
  successes: 2,
  openMs: 10_000,
  windowMs: 30_000,
  latencyMs: 5000,
  quality: 0.9,
};

type Step =
  | { do: 'admit'; process: number }
  | { do: 'settle'; call: number; how: 'good' | 'late' | 'failed' | 'cancelled' }
  | { do: 'judge'; process: number; quality: number }
  | { do: 'wait'; ms: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('admit'), process: fc.nat(1) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('settle'),
      call: fc.nat(3),
      how: fc.constantFrom('good', 'late', 'failed', 'failed', 'cancelled'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant('judge'),
      process: fc.nat(1),
      quality: fc.constantFrom(0.5, 0.9),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('wait'),
      ms: fc.constantFrom(1, 4999, 9999, 10_000, 15_000, 30_000),
    }),
  },
);

/** The same breaker told plainly, in memory and for one process. Time is in milliseconds. */
class Model {
  state: 'closed' | 'open' | 'half-open' = 'closed';
  failures: number[] = [];
  since = 0;
  successes = 0;
  /** Counts states and probes; a call speaks only while its own is the newest. */
  epoch = 0;
  probeUntil = 0;
  probeOut = false;

  admit(now: number): { admitted: boolean; probe: boolean; epoch: number } {
    if (this.state === 'closed') return { admitted: true, probe: false, epoch: this.epoch };
    const blocked =
      this.state === 'open'
        ? now < this.since + SETTINGS.openMs
        : this.probeOut && now < this.probeUntil;
    if (blocked) return { admitted: false, probe: false, epoch: -1 };
    this.state = 'half-open';
    this.probeOut = true;
    this.probeUntil = now + PROBE_LEASE_MS;
    this.epoch += 1;
    return { admitted: true, probe: true, epoch: this.epoch };
  }

  failed(now: number): void {
    if (this.state === 'closed') {
      this.failures = [...this.failures, now].filter((at) => at > now - SETTINGS.windowMs);
      if (this.failures.length < SETTINGS.failures) return;
    }
    this.move('open', now);
  }

  settle(call: { probe: boolean; epoch: number }, how: string, now: number): void {
    if (call.epoch !== this.epoch) return;
    if (how === 'late' || how === 'failed') return this.failed(now);
    if (!call.probe) return;
    this.probeOut = false;
    this.epoch += 1;
    if (how === 'good') this.successes += 1;
    if (this.successes >= SETTINGS.successes) this.move('closed', now);
  }

  judge(quality: number, now: number): void {
    if (quality >= SETTINGS.quality || this.state === 'open' || this.probeOut) return;
    this.failed(now);
  }

  private move(to: 'closed' | 'open', now: number): void {
    Object.assign(this, { state: to, since: now, failures: [], successes: 0, probeOut: false });
    this.epoch += 1;
  }
}

let folder: string;
let databases: Database[];
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-breaker-'));
  databases = [openDatabase(folder), openDatabase(folder)];
});
afterEach(() => {
  for (const database of databases) database.close();
  rmSync(folder, { recursive: true, force: true });
});

let runs = 0;
function twoProcesses(clock: HeldClock): CircuitBreaker[] {
  runs += 1;
  const id = `ollama:model-${runs}`;
  return databases.map((database) =>
    createCircuitBreaker({ database, id, settings: SETTINGS, clock }),
  );
}

describe('a circuit breaker', () => {
  it('does what its model does, and never has two probes out, whatever comes', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = holdClock();
        const breakers = twoProcesses(clock);
        const model = new Model();
        const calls: { pass: Pass; probe: boolean; epoch: number; claimedAt: number }[] = [];
        for (const next of steps) {
          if (next.do === 'wait') clock.skip(next.ms);
          if (next.do === 'judge') {
            breakers[next.process]?.judged(next.quality);
            model.judge(next.quality, clock.now());
          }
          if (next.do === 'admit') {
            const expected = model.admit(clock.now());
            const admission = breakers[next.process]?.admit();
            expect(admission?.admitted).toBe(expected.admitted);
            if (admission?.admitted === true) {
              calls.push({ pass: admission.pass, ...expected, claimedAt: clock.now() });
            }
          }
          if (next.do === 'settle') {
            const [call] = calls.splice(next.call % Math.max(calls.length, 1), 1);
            if (call === undefined) continue;
            if (next.how === 'good') call.pass.succeeded(1);
            if (next.how === 'late') call.pass.succeeded(SETTINGS.latencyMs + 1);
            if (next.how === 'failed') call.pass.failed('transport');
            if (next.how === 'cancelled') call.pass.failed('cancelled');
            model.settle(call, next.how, clock.now());
          }
          for (const breaker of breakers) expect(breaker.state()).toBe(model.state);
          const probes = calls.filter(
            (call) => call.probe && clock.now() < call.claimedAt + PROBE_LEASE_MS,
          );
          expect(probes.length).toBeLessThanOrEqual(1);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('opens after exactly its number of failures, for any number', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), (failures) => {
        runs += 1;
        const [database] = databases;
        if (database === undefined) throw new Error('no database');
        const breaker = createCircuitBreaker({
          database,
          id: `ollama:model-${runs}`,
          settings: { ...SETTINGS, failures },
          clock: holdClock(),
        });
        for (let i = 0; i < failures; i++) {
          const admission = breaker.admit();
          expect(admission.admitted).toBe(true);
          if (admission.admitted) admission.pass.failed('timeout');
        }
        expect(breaker.admit().admitted).toBe(false);
      }),
      { numRuns: 20 },
    );
  });
});
