import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLedger } from '../../src/ledger/sqlite-ledger.ts';
import { DATABASE_FILE, openDatabase } from '../../src/storage/database.ts';
import { migration001 } from '../../src/storage/migrations/001-baseline.ts';
import { migration002 } from '../../src/storage/migrations/002-breaker.ts';
import { migration003 } from '../../src/storage/migrations/003-serve-check.ts';
import { migration004 } from '../../src/storage/migrations/004-route.ts';
import { migration005 } from '../../src/storage/migrations/005-patterns.ts';
import { migration006 } from '../../src/storage/migrations/006-curation.ts';

const EARLIER = [
  migration001,
  migration002,
  migration003,
  migration004,
  migration005,
  migration006,
];

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-migration-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('keeps the attempts of the version before, with what they cost', () => {
  const before = new Sqlite(path.join(folder, DATABASE_FILE));
  for (const sql of EARLIER) before.exec(sql);
  before.pragma(`user_version = ${EARLIER.length}`);
  before.exec(`
    INSERT INTO requests (id, at, pid, source, session, agent, priority, private, category, complexity,
      prompt_sha256, prompt_tokens_estimate, policy, tier, target, decision, state, total_ms, overhead_ms, usd)
    VALUES ('a', 1, 9, 'cli', 's', 'qe-x', 'medium', 0, 'code-review', 'simple', 'ff', 5, 'pinned',
      'cloud', 'anthropic:m', '{}', 'answered', 8, 1, NULL),
      ('b', 2, 9, 'batch', NULL, NULL, 'medium', 0, 'other', 'simple', 'ff', 5, 'batch.when-convenient',
      'cloud', 'anthropic:m', '{}', 'answered', 8, 1, 0.5);
    INSERT INTO attempts VALUES
      ('a', 0, 10, 'direct', 'ollama:q:7b', 'timeout', NULL, 4.5, NULL, NULL, NULL, NULL, 0),
      ('a', 1, 11, 'cloud', 'anthropic:m', 'ok', 2.5, 3.5, 100, 20, 60, 8, 0.000123),
      ('a', 2, 12, 'cloud', 'anthropic:other', 'ok', 2.5, 3.5, 100, 20, NULL, NULL, NULL),
      ('b', 0, 13, 'cloud', 'anthropic:m', 'ok', 2.5, 3.5, 1, 2, NULL, NULL, 0.5);`);
  before.close();

  const database = openDatabase(folder);
  const ledger = createLedger(database);
  expect(ledger.find('a')?.attempts).toEqual([
    {
      at: 10,
      purpose: 'answer',
      tier: 'direct',
      target: 'ollama:q:7b',
      selfHosted: true,
      batch: false,
      outcome: 'timeout',
      totalMs: 4.5,
      usd: 0,
      priceVersion: 'self-hosted',
    },
    {
      at: 11,
      purpose: 'retry',
      tier: 'cloud',
      target: 'anthropic:m',
      selfHosted: false,
      batch: false,
      outcome: 'ok',
      ttftMs: 2.5,
      totalMs: 3.5,
      usage: {
        inputTokens: 100,
        outputTokens: 20,
        cachedInputTokens: 60,
        cacheWriteTokens: 8,
      },
      usd: 0.000123,
      priceVersion: 'unversioned',
    },
    {
      at: 12,
      purpose: 'retry',
      tier: 'cloud',
      target: 'anthropic:other',
      selfHosted: false,
      batch: false,
      outcome: 'ok',
      ttftMs: 2.5,
      totalMs: 3.5,
      usage: { inputTokens: 100, outputTokens: 20 },
    },
  ]);
  expect(ledger.find('b')?.attempts).toMatchObject([{ batch: true, purpose: 'answer', usd: 0.5 }]);
  expect(
    database
      .prepare(
        `SELECT session, agent, category, source, complexity, priority, hex(prompt) AS prompt FROM attempts JOIN attempt_kinds k ON k.id = kind
         WHERE request_id = 'a' AND number = 1`,
      )
      .get(),
  ).toEqual({
    session: 's',
    agent: 'qe-x',
    category: 'code-review',
    source: 'cli',
    complexity: 'simple',
    priority: 'medium',
    prompt: 'FF',
  });
  database.close();
});
