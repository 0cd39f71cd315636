import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { createLedger } from '../src/ledger/sqlite-ledger.ts';
import { openDatabase } from '../src/storage/database.ts';
import { newAttempt, newEnding, newRequest } from '../test/ledger/records.ts';
import { fill } from './ledger/fill.ts';
import { requests } from './ledger/request.ts';

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

/** Reports beside adding up every row in the process. Promises: below 2 s and 300 MB. */
const REPORTS = [
  'model',
  'day',
  'day+model',
  'advice+model',
  'month+tier',
  'agent',
  'category',
  'session',
  'focus',
  'control',
];
const ATTEMPTS = 1_000_000;
const UNTIL = Date.UTC(2026, 10, 27, 12);

export async function run(out: (line: string) => void): Promise<void> {
  await writes(out);
  await requests(out);
  await reports(out);
}

async function reports(out: (line: string) => void): Promise<void> {
  const folder = await mkdtemp(path.join(tmpdir(), 'aqe-ledger-'));
  try {
    const database = openDatabase(folder);
    const filled = fill(database, ATTEMPTS, UNTIL);
    database.pragma('wal_checkpoint(TRUNCATE)');
    database.close();
    out(
      `report over ${filled.attempts} attempts of 90 days, ${filled.kinds} kinds, each in a process of its own`,
    );
    const script = fileURLToPath(new URL('ledger/report-process.ts', import.meta.url));
    for (const what of REPORTS) {
      const args = ['--import', 'tsx', script, folder, what, filled.since, filled.until].map(
        String,
      );
      const { stdout } = await promisify(execFile)(process.execPath, args);
      const told = measured.parse(JSON.parse(stdout));
      const name = what === 'control' ? 'every row in JS (control)' : `by ${what}`;
      out(
        `${name.padEnd(26)} ${told.ms.toFixed(0).padStart(6)} ms (processor ${told.cpuMs.toFixed(0)} ms), peak memory ${told.peakMb.toFixed(0)} MB (${told.beforeMb.toFixed(0)} MB before)`,
      );
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

const measured = z.object({
  ms: z.number(),
  cpuMs: z.number(),
  peakMb: z.number(),
  beforeMb: z.number(),
});

/**
 * A request's begin and end in the ledger beside one bare insert of the same decision, turn about on
 * the same disk. Promise: both together well under 0.1 ms.
 */
async function writes(out: (line: string) => void): Promise<void> {
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
