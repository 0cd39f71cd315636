import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createLedger } from '../src/ledger/sqlite-ledger.ts';
import { openDatabase } from '../src/storage/database.ts';
import { newAttempt, newEnding, newRequest } from '../test/ledger/records.ts';

const WARM_UP = 500;
const ROUNDS = 5000;

/** As long as decisions get with a handful of targets. */
const DECISION = {
  policy: 'strategy.adaptive',
  reasons: ['the smallest that is good enough for this kind of request'],
  rejected: Array.from({ length: 6 }, (_, index) => ({
    tier: 'direct',
    target: `ollama:model-${index}`,
    why: 'its breaker is open after three failures of the last minute',
  })),
  features: Object.fromEntries(Array.from({ length: 24 }, (_, i) => [`feature ${i}`, i / 7])),
};

/**
 * A request's begin and end in the ledger beside one bare insert of the same decision, turn about on
 * the same disk. Promise: both together well under 0.1 ms.
 */
export async function run(out: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-ledger-'));
  const database = openDatabase(folder);
  try {
    database.exec('CREATE TABLE bare (id TEXT PRIMARY KEY, decision TEXT NOT NULL) STRICT');
    const insert = database.prepare('INSERT INTO bare VALUES (?, ?)');
    const ledger = createLedger(database);
    const begins: number[] = [];
    const ends: number[] = [];
    const both: number[] = [];
    const bare: number[] = [];
    const keep = (into: number[], round: number, from: number, to: number): void => {
      if (round >= WARM_UP) into.push((to - from) * 1000);
    };
    for (let round = 0; round < WARM_UP + ROUNDS; round++) {
      const id = `request-${round}`;
      const request = newRequest({ id, at: round, decision: DECISION });
      const attempt = newAttempt();
      const ending = newEnding();
      const start = performance.now();
      ledger.begin(request);
      const begun = performance.now();
      ledger.end(id, ending, [attempt]);
      const ended = performance.now();
      insert.run(id, JSON.stringify(DECISION));
      const inserted = performance.now();
      keep(begins, round, start, begun);
      keep(ends, round, begun, ended);
      keep(both, round, start, ended);
      keep(bare, round, ended, inserted);
    }
    out(`decisions of ${JSON.stringify(DECISION).length} bytes, ${ROUNDS} requests`);
    out(`begin                 ${summary(begins)}`);
    out(`end, one attempt      ${summary(ends)}`);
    out(`both                  ${summary(both)}`);
    out(`bare insert (control) ${summary(bare)}`);
  } finally {
    database.close();
    await rm(folder, { recursive: true, force: true });
  }
}

function summary(times: readonly number[]): string {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string =>
    `${(sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN).toFixed(0)} µs`;
  return `median ${at(0.5)}, P95 ${at(0.95)}, P99 ${at(0.99)}, most ${at(1)}`;
}
