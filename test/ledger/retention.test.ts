import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Clock } from '../../src/core/clock.ts';
import type { Ledger } from '../../src/ledger/ledger.ts';
import { startRetention, type Retention } from '../../src/ledger/retention.ts';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { newEnding, newRequest } from './records.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const START = 1000 * DAY;

/** Goes on when it is told to; short pauses pass by themselves. */
class SteppedClock implements Clock {
  #now = START;
  #sleepers: { until: number; wake: () => void }[] = [];

  now(): number {
    return this.#now;
  }
  monotonic(): number {
    return this.#now;
  }
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms < 1000) return new Promise((resolve) => setImmediate(resolve));
    return new Promise((resolve, reject) => {
      this.#sleepers.push({ until: this.#now + ms, wake: resolve });
      signal?.addEventListener('abort', () => reject(signal.reason));
    });
  }
  pass(ms: number): void {
    this.#now += ms;
    const due = this.#sleepers.filter(({ until }) => until <= this.#now);
    this.#sleepers = this.#sleepers.filter(({ until }) => until > this.#now);
    for (const { wake } of due) wake();
  }
  /** Resolves once somebody sleeps for long. */
  async settled(): Promise<void> {
    while (this.#sleepers.length === 0) {
      await new Promise((resolve) => {
        setImmediate(resolve);
      });
    }
  }
}

let folder: string;
let database: Database;
let ledger: Ledger;
let clock: SteppedClock;
let retention: Retention | undefined;
const settings = { retentionDays: 90, attemptDays: 400, sessionHours: 24 };

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-retention-'));
  database = openDatabase(folder);
  ledger = createLedger(database);
  clock = new SteppedClock();
});
afterEach(async () => {
  await retention?.stop();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

function recordEnded(id: string, at: number): void {
  ledger.begin(newRequest({ id, at }));
  ledger.end(id, newEnding(), []);
}

const fail = (error: unknown): never => expect.unreachable(String(error));
const ids = (): string[] => ledger.history({ limit: 1000 }).map(({ id }) => id);

it('sweeps at once and then every day', async () => {
  recordEnded('old', START - 91 * DAY);
  recordEnded('tomorrow', START - 89.5 * DAY);
  recordEnded('young', START - DAY);
  ledger.begin(newRequest({ id: 'running', at: START - 91 * DAY }));
  database
    .prepare('INSERT INTO sessions (id, created_at, used_at, version) VALUES (?, ?, ?, 1)')
    .run('idle', 0, START - 25 * HOUR);
  retention = startRetention({ ledger, clock, settings, onFailure: fail });
  await clock.settled();
  expect(ids().toSorted()).toEqual(['running', 'tomorrow', 'young']);
  expect(database.prepare('SELECT count(*) FROM sessions').pluck().get()).toBe(0);
  clock.pass(DAY);
  await clock.settled();
  expect(ids().toSorted()).toEqual(['running', 'young']);
});

it('goes on until nothing old is left, and lets others work in between', async () => {
  const COUNT = 1000;
  for (let index = 0; index < COUNT; index++) recordEnded(`r-${index}`, START - 91 * DAY);
  recordEnded('young', START);
  let pieces = 0;
  const watched = {
    sweep: (before: Parameters<Ledger['sweep']>[0]) => {
      pieces += 1;
      return ledger.sweep(before);
    },
  };
  retention = startRetention({ ledger: watched, clock, settings, onFailure: fail });
  await clock.settled();
  expect(ids()).toEqual(['young']);
  expect(pieces).toBeGreaterThan(1);
});

it('tells of a failure and tries again an hour later', async () => {
  recordEnded('old', START - 91 * DAY);
  const failures: unknown[] = [];
  database.pragma('query_only = ON');
  retention = startRetention({
    ledger,
    clock,
    settings,
    onFailure: (error) => failures.push(error),
  });
  await clock.settled();
  expect(failures).toMatchObject([{ code: 'storage.read-only' }]);
  database.pragma('query_only = OFF');
  clock.pass(HOUR);
  await clock.settled();
  expect(ids()).toEqual([]);
});

it('ends when it is told to, and touches nothing after', async () => {
  retention = startRetention({ ledger, clock, settings, onFailure: fail });
  await clock.settled();
  await retention.stop();
  recordEnded('old', START - 91 * DAY);
  clock.pass(DAY);
  await clock.sleep(1);
  expect(ids()).toEqual(['old']);
});
