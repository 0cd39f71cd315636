import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Ledger } from '../../src/ledger/ledger.ts';
import type { Recorder } from '../../src/ledger/recorder.ts';
import { recordApart } from '../../src/ledger/recorder-thread.ts';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { newAttempt, newEnding, newRequest } from './records.ts';

let folder: string;
let database: Database;
let reader: Ledger;
let recorder: Recorder;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-recorder-'));
  database = openDatabase(folder, { lockMs: 100 });
  reader = createLedger(openDatabase(folder));
  recorder = recordApart({ stateFolder: folder, lockMs: 100 }, database);
});

afterEach(async () => {
  await recorder.close();
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const beginMany = (ids: readonly string[]): Promise<PromiseSettledResult<void>[]> =>
  Promise.allSettled(ids.map((id) => recorder.begin(newRequest({ id }))));

const stateOf = (id: string): string | undefined => reader.find(id)?.state;

describe('a ledger that is written in a thread of its own', () => {
  it('has what it said it had, one request after the other', async () => {
    for (const id of ['a', 'b', 'c']) {
      await recorder.begin(newRequest({ id }));
      expect(stateOf(id)).toBe('running');
      await recorder.end(id, newEnding(), [newAttempt()]);
      expect(stateOf(id)).toBe('answered');
    }
  });

  it('has what it said it had, many requests at once', async () => {
    const ids = Array.from({ length: 300 }, (_, index) => `r-${index}`);
    await beginMany(ids);
    await recorder.event({ at: 1, kind: 'breaker', detail: { from: 'closed' } });
    expect(ids.map(stateOf)).toEqual(ids.map(() => 'running'));
    expect(reader.events(0)).toHaveLength(1);
    await Promise.all(ids.map((id) => recorder.end(id, newEnding(), [newAttempt({ usd: 0.5 })])));
    expect(ids.map((id) => reader.find(id)?.usd)).toEqual(ids.map(() => 0.5));
  });

  it('keeps what stands beside a write that fails', async () => {
    const outcomes = await beginMany(['a', 'b', 'a', 'c']);
    expect(outcomes.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
    ]);
    expect(['a', 'b', 'c'].map(stateOf)).toEqual(['running', 'running', 'running']);
  });

  it('says that another process holds the lock, and holds nobody else up meanwhile', async () => {
    await beginMany(['a', 'b']);
    const other = openDatabase(folder);
    other.exec('BEGIN IMMEDIATE');
    let ticks = 0;
    const ticking = setInterval(() => (ticks += 1), 5);
    const outcomes = await beginMany(['c', 'd']);
    clearInterval(ticking);
    other.exec('ROLLBACK');
    for (const outcome of outcomes) {
      expect(outcome).toMatchObject({ reason: { code: 'storage.locked', exitCode: 5 } });
    }
    expect(ticks).toBeGreaterThan(5);
    await recorder.begin(newRequest({ id: 'e' }));
    expect(stateOf('e')).toBe('running');
  });

  it('fails what a thread that cannot open the database was given, and tries again', async () => {
    const file = path.join(folder, 'no-folder');
    writeFileSync(file, '');
    const lost = recordApart({ stateFolder: file, lockMs: 100 }, database);
    const begun = ['a', 'b', 'c'].map((id) => lost.begin(newRequest({ id })));
    for (const outcome of (await Promise.allSettled(begun)).slice(1)) {
      expect(outcome).toMatchObject({ reason: { code: 'storage.unusable' } });
    }
    rmSync(file);
    await expect(
      Promise.all(['d', 'e'].map((id) => lost.begin(newRequest({ id })))),
    ).resolves.toHaveLength(2);
    await lost.close();
  });

  it('writes everything before it closes', async () => {
    const begun = beginMany(['a', 'b', 'c']);
    await recorder.close();
    await begun;
    expect(['a', 'b', 'c'].map(stateOf)).toEqual(['running', 'running', 'running']);
  });

  it('keeps the order of each request, whoever runs beside it', async () => {
    let run = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(3), { minLength: 1, maxLength: 40 }), async (pauses) => {
        run += 1;
        const ids = pauses.map((_, index) => `${run}-${index}`);
        await Promise.all(
          ids.map(async (id, index) => {
            const pause = pauses[index] ?? 0;
            if (pause > 0) await sleep(pause);
            await recorder.begin(newRequest({ id }));
            if (pause % 2 === 0) await sleep(1);
            await recorder.end(id, newEnding(), [newAttempt()]);
          }),
        );
        expect(ids.map(stateOf)).toEqual(ids.map(() => 'answered'));
      }),
      { numRuns: 25 },
    );
  });
});
