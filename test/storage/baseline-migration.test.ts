import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Sqlite from 'better-sqlite3';
import { expect, it, onTestFinished } from 'vitest';
import { createEvidence } from '../../src/quality/evidence.ts';
import { createRunStore } from '../../src/quality/run/run-store.ts';
import { DATABASE_FILE, openDatabase } from '../../src/storage/database.ts';
import { migration001 } from '../../src/storage/migrations/001-baseline.ts';

it('keeps answers, results and verdicts of runs with one candidate', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'aqe-migration-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const before = new Sqlite(path.join(folder, DATABASE_FILE));
  before.exec(migration001);
  before.pragma('user_version = 1');
  const answer = JSON.stringify({
    completion: { model: 'm', text: 'kept', finishReason: 'stop', usage: {}, timing: {} },
    looped: false,
  });
  const verdict = JSON.stringify({ state: 'pass', ratio: 0.95, lower: 0.9 });
  const result = JSON.stringify({ id: 't', category: 'test-generation', state: 'error' });
  before.exec(`
    INSERT INTO baseline_runs VALUES
      ('a', '{"candidate": "ollama:small"}', '2026-01-01', '2026-01-02', '${verdict}'),
      ('b', '{"candidate": "ollama:small"}', '2026-01-03', NULL, NULL);
    INSERT INTO baseline_answers VALUES
      ('a', 'candidate', 't', 0, 'key', '${answer}', 1, '2026-01-01'),
      ('a', 'reference', 't', 0, 'other', '${answer}', 0, '2026-01-01');
    INSERT INTO baseline_results VALUES
      ('a', 'candidate', 't', 0, '${result}'), ('a', 'reference', 't', 0, '${result}');`);
  before.close();

  const database = openDatabase(folder);
  const store = createRunStore(database);
  expect(store.recording('key')?.completion.text).toBe('kept');
  expect(store.recording('other')).toBeUndefined();
  expect(store.results('a', 'ollama:small')).toHaveLength(1);
  expect(store.results('a', 'reference')).toHaveLength(1);
  expect(createEvidence(database)('ollama:small')).toMatchObject({ runId: 'a', ratio: 0.95 });
  // Its plan says too little for this version to go on with it.
  expect(() => store.newest('unfinished')).toThrow(/another version/);
  expect(store.verdicts({ limit: 9 })).toEqual([]);
  database.close();
});
