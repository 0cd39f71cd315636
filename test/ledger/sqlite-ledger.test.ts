import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../src/core/errors.ts';
import type { Ledger, NewRequest } from '../../src/ledger/ledger.ts';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import { DATABASE_FILE, openDatabase, type Database } from '../../src/storage/database.ts';
import { newAttempt, newEnding, newRequest } from './records.ts';

const SELF = { pid: 4242, startedAt: 1000 };

let folder: string;
let database: Database;
let ledger: Ledger;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-ledger-'));
  database = openDatabase(folder);
  ledger = createLedger(database, SELF);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

describe('a request', () => {
  it('is there from before anything is sent, with its whole decision', () => {
    const request = newRequest({ session: 's', agent: 'qe-test-generator', private: true });
    ledger.begin(request);
    expect(ledger.find('r-1')).toEqual({ ...request, state: 'running', attempts: [] });
  });

  it('ends with its attempts, and costs what they cost together', () => {
    ledger.begin(newRequest());
    const failed = newAttempt({
      outcome: 'overloaded',
      usage: { inputTokens: 90, outputTokens: 3, cachedInputTokens: 64, cacheWriteTokens: 8 },
      usd: 0.25,
    });
    const answered = newAttempt({ number: 1, tier: 'cloud', target: 'anthropic:m', usd: 0.5 });
    ledger.attempt('r-1', 0, failed);
    expect(ledger.find('r-1')).toMatchObject({ state: 'running', attempts: [{ usd: 0.25 }] });
    expect(ledger.find('r-1')).not.toHaveProperty('usd');
    const ending = newEnding({ answeredTier: 'cloud', answeredTarget: 'anthropic:m' });
    ledger.end('r-1', ending, [answered]);
    const { number: _first, ...first } = failed;
    const { number: _second, ...second } = answered;
    expect(ledger.find('r-1')).toEqual({
      ...newRequest(),
      state: 'answered',
      ending,
      attempts: [first, second],
      usage: { inputTokens: 190, outputTokens: 23 },
      usd: 0.75,
    });
  });

  it('has no price where one of its attempts has none, and costs nothing where nothing was sent', () => {
    ledger.begin(newRequest());
    const { usd: _usd, ...unpriced } = newAttempt();
    ledger.end('r-1', newEnding(), [unpriced, newAttempt({ number: 1, usd: 0.5 })]);
    expect(ledger.find('r-1')).not.toHaveProperty('usd');

    ledger.begin(newRequest({ id: 'r-2' }));
    ledger.end('r-2', { state: 'failed', failure: 'breaker-open', totalMs: 1, overheadMs: 1 }, []);
    expect(ledger.find('r-2')).toMatchObject({ usd: 0, ending: { failure: 'breaker-open' } });
    expect(ledger.find('r-2')).not.toHaveProperty('usage');
  });

  it('keeps what was not reported absent', () => {
    ledger.begin(newRequest());
    const { usage: _usage, ttftMs: _ttft, ...silent } = newAttempt({ outcome: 'transport' });
    ledger.end('r-1', newEnding(), [silent]);
    const [attempt] = ledger.find('r-1')?.attempts ?? [];
    expect(Object.keys(attempt ?? {}).toSorted()).toEqual(
      'at batch outcome priceVersion purpose selfHosted target tier totalMs usd'.split(' '),
    );
  });

  it('pays for an attempt that ends after it', () => {
    ledger.begin(newRequest());
    ledger.end('r-1', newEnding(), [newAttempt({ usd: 0.5 })]);
    ledger.attempt('r-1', 1, newAttempt({ outcome: 'cancelled', usd: 0.25 }));
    expect(ledger.find('r-1')).toMatchObject({ usd: 0.75, usage: { inputTokens: 200 } });
  });

  it('keeps all that is known of an attempt', () => {
    ledger.begin(newRequest());
    const { number: _number, ...whole } = newAttempt({
      purpose: 'shadow',
      tier: 'cloud',
      target: 'anthropic:claude:of-a-kind',
      selfHosted: false,
      batch: true,
      usage: {
        inputTokens: 90,
        outputTokens: 30,
        cachedInputTokens: 64,
        cacheWriteTokens: 8,
        cacheWriteHourTokens: 5,
        reasoningTokens: 12,
      },
      usd: 0.000_000_123,
      priceVersion: '2026-11',
    });
    ledger.attempt('r-1', 0, whole);
    expect(ledger.find('r-1')?.attempts).toEqual([whole]);
    expect(database.prepare('SELECT provider, model FROM attempt_kinds').get()).toEqual({
      provider: 'anthropic',
      model: 'claude:of-a-kind',
    });
  });

  it('has an attempt once, however often it is told, and no other in its place', () => {
    ledger.begin(newRequest());
    for (const _ of [1, 2]) ledger.attempt('r-1', 0, newAttempt({ usd: 0.5 }));
    ledger.end('r-1', newEnding(), [newAttempt({ usd: 0.5 })]);
    expect(ledger.find('r-1')).toMatchObject({ usd: 0.5, usage: { inputTokens: 100 } });
    for (const other of [{ usd: 0.25 }, { usd: 0.5, outcome: 'overloaded' }, { usd: 0.5, at: 7 }]) {
      expect(() => ledger.attempt('r-1', 0, newAttempt(other))).toThrow(/another one already/);
    }
    expect(() => ledger.attempt('nobody', 0, newAttempt())).toThrow(/never began/);
    expect(ledger.find('r-1')?.attempts).toHaveLength(1);
  });

  it('ends once, whole or not at all', () => {
    ledger.begin(newRequest());
    // The second attempt has a number that is taken.
    const two = [newAttempt(), newAttempt({ totalMs: 1 })];
    expect(() => ledger.end('r-1', newEnding(), two)).toThrow(/another one already/);
    expect(ledger.find('r-1')).toMatchObject({ state: 'running', attempts: [] });
    ledger.end('r-1', newEnding(), [newAttempt()]);
    expect(() => ledger.end('r-1', newEnding({ state: 'failed' }), [])).toThrow(/not running/);
    expect(() => ledger.end('nobody', newEnding(), [])).toThrow(/not running/);
    expect(ledger.find('r-1')).toMatchObject({ state: 'answered', attempts: [{ outcome: 'ok' }] });
  });
});

describe('find', () => {
  it('takes the beginning of an id where it is the only one', () => {
    for (const id of ['20261124-a1', '20261124-b2', '20261124-b2x', '2%']) {
      ledger.begin(newRequest({ id }));
    }
    expect(ledger.find('20261124-a')?.id).toBe('20261124-a1');
    expect(ledger.find('20261124-b')).toBeUndefined();
    expect(ledger.find('20261124-b2')?.id).toBe('20261124-b2');
    expect(ledger.find('2%')?.id).toBe('2%');
    expect(ledger.find('20261125')).toBeUndefined();
  });
});

describe('history', () => {
  const ids = (filter: Partial<Parameters<Ledger['history']>[0]>): string[] =>
    ledger.history({ limit: 100, ...filter }).map(({ id }) => id);

  beforeEach(() => {
    const requests: Partial<NewRequest>[] = [
      { id: 'a', at: 10, source: 'batch', category: 'code-review', policy: 'pinned' },
      { id: 'b', at: 20, session: 's', agent: 'qe-test-generator' },
      { id: 'c', at: 20, tier: 'cloud', target: 'anthropic:m' },
      { id: 'd', at: 30 },
    ];
    for (const request of requests) ledger.begin(newRequest(request));
    ledger.end('a', newEnding(), []);
    ledger.end('b', newEnding({ answeredTier: 'cloud', answeredTarget: 'anthropic:m' }), []);
    ledger.end('c', newEnding({ state: 'cancelled' }), []);
  });

  it('is the newest first, and no more than asked for', () => {
    expect(ids({})).toEqual(['d', 'c', 'b', 'a']);
    expect(ids({ limit: 2 })).toEqual(['d', 'c']);
    expect(ids({ limit: 0 })).toEqual([]);
  });

  it.each([
    [{ since: 20 }, ['d', 'c', 'b']],
    [{ until: 20 }, ['a']],
    [{ since: 20, until: 30 }, ['c', 'b']],
    [{ states: ['answered', 'running'] as const }, ['d', 'b', 'a']],
    [{ states: [] }, []],
    [{ tier: 'cloud' }, ['c', 'b']],
    [{ target: 'anthropic:m' }, ['c', 'b']],
    [{ policy: 'pinned' }, ['a']],
    [{ category: 'code-review' }, ['a']],
    [{ session: 's' }, ['b']],
    [{ agent: 'qe-test-generator' }, ['b']],
    [{ source: 'batch' }, ['a']],
    [{ source: 'batch', session: 's' }, []],
    [{ session: "' OR 1 = 1 --" }, []],
  ])('filters by %j', (filter, expected) => {
    expect(ids(filter)).toEqual(expected);
  });
});

describe('events', () => {
  it('come back in order from a time on', () => {
    const events = [
      { at: 5, kind: 'breaker', detail: { target: 'ollama:rnj-1', to: 'open' } },
      { at: 9, kind: 'emergency', requestId: 'r-1', detail: 'local-failures' },
      { at: 9, kind: 'breaker', detail: null },
    ];
    for (const event of events) ledger.event(event);
    expect(ledger.events(0)).toEqual(events);
    expect(ledger.events(6)).toEqual(events.slice(1));
  });
});

describe('an attempt for no request', () => {
  const one = { ...newAttempt({ purpose: 'embedding', usd: 0.5 }), id: 'e-1', session: 's' };

  it('is kept once', () => {
    for (const _ of [1, 2]) ledger.alone(one);
    expect(() => ledger.alone({ ...one, usd: 1 })).toThrow(/another one already/);
    const rows = database
      .prepare(
        `SELECT request_id, purpose, session, agent, category, nano_usd
         FROM attempts JOIN attempt_kinds k ON k.id = kind`,
      )
      .all();
    expect(rows).toEqual([
      {
        request_id: 'e-1',
        purpose: 'embedding',
        session: 's',
        agent: '',
        category: '',
        nano_usd: 500_000_000,
      },
    ]);
    expect(ledger.history({ limit: 9 })).toEqual([]);
  });
});

describe('markInterrupted', () => {
  const by = (pid: number): Ledger => createLedger(database, { pid, startedAt: 0 });

  it('ends what processes that are gone left running, and nothing else', () => {
    by(1).begin(newRequest({ id: 'gone' }));
    by(1).attempt('gone', 0, newAttempt({ usd: 0.5 }));
    by(2).begin(newRequest({ id: 'alive' }));
    by(1).begin(newRequest({ id: 'done' }));
    by(1).end('done', newEnding(), []);
    ledger.begin(newRequest({ id: 'mine' }));
    expect(ledger.markInterrupted((pid) => pid === 2)).toBe(1);
    expect(ledger.find('gone')).toMatchObject({ state: 'interrupted', usd: 0.5 });
    expect(ledger.find('gone')).not.toHaveProperty('ending');
    expect(['alive', 'done', 'mine'].map((id) => ledger.find(id)?.state)).toEqual([
      'running',
      'answered',
      'running',
    ]);
    expect(ledger.markInterrupted((pid) => pid === 2)).toBe(0);
  });

  it('knows what an earlier process of the same number left', () => {
    ledger.begin(newRequest({ id: 'earlier', at: SELF.startedAt - 1 }));
    ledger.begin(newRequest({ id: 'mine', at: SELF.startedAt }));
    expect(ledger.markInterrupted(() => true)).toBe(1);
    expect(ledger.find('earlier')?.state).toBe('interrupted');
    expect(ledger.find('mine')?.state).toBe('running');
  });

  it('takes the end of a request that went on after all', () => {
    ledger.begin(newRequest({ at: 0 }));
    ledger.markInterrupted(() => false);
    ledger.end('r-1', newEnding(), [newAttempt()]);
    expect(ledger.find('r-1')).toMatchObject({ state: 'answered', usd: 0 });
  });
});

describe('sweep', () => {
  const count = (table: string): unknown =>
    database.prepare(`SELECT count(*) FROM ${table}`).pluck().get();

  it('removes what is old in bounded pieces, and keeps what runs', () => {
    for (let index = 0; index < 450; index++) {
      const id = `old-${index}`;
      ledger.begin(newRequest({ id, at: 10 }));
      ledger.end(id, newEnding(), [newAttempt()]);
    }
    ledger.begin(newRequest({ id: 'runs', at: 10 }));
    ledger.begin(newRequest({ id: 'new', at: 100 }));
    ledger.end('new', newEnding(), [newAttempt()]);
    ledger.event({ at: 10, kind: 'breaker', detail: {} });
    const removed: number[] = [];
    do removed.push(ledger.sweep({ requests: 100, attempts: 0, sessions: 100 }));
    while (removed.at(-1) !== 0);
    expect(removed).toEqual([201, 200, 50, 0]);
    expect(ledger.history({ limit: 9 }).map(({ id }) => id)).toEqual(['new', 'runs']);
    expect([count('attempts'), count('route_events')]).toEqual([451, 0]);
  });

  it('keeps attempts longer than their requests', () => {
    for (const at of [10, 20, 30]) ledger.alone({ ...newAttempt({ at }), id: `e-${at}` });
    expect(ledger.sweep({ requests: 100, attempts: 25, sessions: 0 })).toBe(2);
    expect(database.prepare('SELECT at FROM attempts').pluck().all()).toEqual([30]);
    expect(ledger.sweep({ requests: 100, attempts: 25, sessions: 0 })).toBe(0);
  });

  it('removes idle sessions with their messages, and none that is held', () => {
    const insert = database.prepare(
      'INSERT INTO sessions (id, created_at, used_at, version, holder, holder_until) VALUES (?, 0, ?, 1, ?, ?)',
    );
    insert.run('idle', 10, null, null);
    insert.run('used', 100, null, null);
    insert.run('held', 10, 'h', 150);
    insert.run('let-go', 10, 'h', 90);
    database.prepare("INSERT INTO session_messages VALUES ('idle', 0, '{}')").run();
    expect(ledger.sweep({ requests: 0, attempts: 0, sessions: 100 })).toBe(2);
    const left = database.prepare('SELECT id FROM sessions ORDER BY id').pluck().all();
    expect(left).toEqual(['held', 'used']);
    expect(count('session_messages')).toBe(0);
  });
});

describe('a database that cannot be used', () => {
  const codeOf = (work: () => unknown): string => {
    try {
      work();
      return 'nothing thrown';
    } catch (error) {
      expect(error).toBeInstanceOf(AppError);
      if (!(error instanceof AppError)) throw error;
      expect(error.hint).toMatch(/state folder|--state/);
      return error.code;
    }
  };
  const raw = (options: Sqlite.Options = {}): Database =>
    new Sqlite(path.join(folder, DATABASE_FILE), options);

  it('is told as locked', () => {
    const holder = raw();
    const waiting = raw({ timeout: 0 });
    const blocked = createLedger(waiting, SELF);
    holder.exec('BEGIN IMMEDIATE');
    expect(codeOf(() => blocked.begin(newRequest()))).toBe('storage.locked');
    expect(codeOf(() => blocked.end('r-1', newEnding(), []))).toBe('storage.locked');
    expect(blocked.history({ limit: 1 })).toEqual([]);
    holder.exec('ROLLBACK');
    blocked.begin(newRequest());
    expect(blocked.find('r-1')?.state).toBe('running');
    holder.close();
    waiting.close();
  });

  it('is told as read-only, and can be read', () => {
    ledger.begin(newRequest());
    const reader = raw({ readonly: true });
    const reading = createLedger(reader, SELF);
    expect(codeOf(() => reading.event({ at: 0, kind: 'k', detail: {} }))).toBe('storage.read-only');
    expect(codeOf(() => reading.sweep({ requests: 0, attempts: 0, sessions: 0 }))).toBe(
      'storage.read-only',
    );
    expect(reading.find('r-1')?.state).toBe('running');
    reader.close();
  });

  it('is told as full, and what was stored before is kept', () => {
    ledger.begin(newRequest());
    const pages = Number(database.pragma('page_count', { simple: true }));
    database.pragma(`max_page_count = ${pages}`);
    const long = newRequest({ id: 'long', decision: 'x'.repeat(100_000) });
    expect(codeOf(() => ledger.begin(long))).toBe('storage.full');
    expect(ledger.history({ limit: 9 }).map(({ id }) => id)).toEqual(['r-1']);
    database.pragma('max_page_count = 1000000');
    ledger.begin(long);
    expect(ledger.find('long')?.state).toBe('running');
  });

  it('is told as unusable where its file is damaged', () => {
    for (let index = 0; index < 200; index++) ledger.begin(newRequest({ id: `r-${index}` }));
    const rootOf = database.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'requests'");
    const start = (Number(rootOf.pluck().get()) - 1) * 4096;
    database.close();
    const file = path.join(folder, DATABASE_FILE);
    const bytes = readFileSync(file);
    writeFileSync(file, bytes.fill(0xff, start, start + 4096));
    database = raw();
    const damaged = createLedger(database, SELF);
    expect(codeOf(() => damaged.history({ limit: 1 }))).toBe('storage.unusable');
  });
});
