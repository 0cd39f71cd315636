import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { recordHere } from '../../src/ledger/recorder.ts';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import type { Rung } from '../../src/routing/decision.ts';
import { openJournal } from '../../src/routing/journal.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { NO_TELEMETRY } from '../../src/telemetry/telemetry.ts';
import { newRequest } from '../ledger/records.ts';

const CLOUD: Rung = { tier: 'cloud', spec: 'anthropic:m', maySeePrivate: false };
const LOCAL: Rung = { tier: 'direct', spec: 'ollama:m', maySeePrivate: true };

let folder: string;
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-journal-'));
  database = openDatabase(folder);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

it('keeps a shadow out of the answer and in the ledger, even one that ends after it', async () => {
  let now = 0;
  const clock = { now: () => now, monotonic: () => now, sleep: async () => {} };
  const ledger = createLedger(database);
  const journal = await openJournal(
    {
      recorder: recordHere(ledger),
      telemetry: NO_TELEMETRY,
      pool: {
        attemptStarted: () => {},
        attemptEnded: () => {},
        chargeOf: ({ spec }) =>
          spec === LOCAL.spec
            ? { selfHosted: true, usd: 0, priceVersion: 'self-hosted' }
            : { selfHosted: false, usd: 0.25, priceVersion: '2026-11' },
      },
      clock,
      onTrouble: (error) => expect.unreachable(String(error)),
    },
    newRequest(),
    0,
  );
  const report = (providerId: string) =>
    ({ providerId, startedAt: 0, outcome: 'ok', totalMs: 1 }) as const;
  const early = journal.listen(LOCAL, 'shadow')();
  const late = journal.listen(CLOUD, 'shadow')();
  now = 4;
  const first = journal.listen(CLOUD)();
  now = 10;
  first({ ...report(CLOUD.spec), outcome: 'overloaded' });
  journal.listen(CLOUD)()(report(CLOUD.spec));
  early(report(LOCAL.spec));
  const account = await journal.end({ state: 'answered', answeredBy: CLOUD });
  expect(account).toEqual({ attempts: 2, usd: 0.5, totalMs: 10, overheadMs: 4 });
  late(report(CLOUD.spec));
  const recorded = ledger.find('r-1');
  expect(recorded?.attempts.map(({ purpose }) => purpose)).toEqual([
    'shadow',
    'shadow',
    'answer',
    'retry',
  ]);
  expect(recorded?.usd).toBe(0.75);
});
