import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { createEvidence } from '../../src/quality/evidence.ts';
import type { Verdict } from '../../src/quality/result.ts';
import { createRunStore } from '../../src/quality/run/run-store.ts';
import { openDatabase } from '../../src/storage/database.ts';
import { erroredTask, PLAN } from './results.ts';

const verdict = (state: Verdict['state'], ratio: number): Verdict => ({
  state,
  ratio,
  lower: ratio - 0.05,
  upper: ratio + 0.05,
  strict: false,
  reasons: [],
  power: null,
});

it('is that of the newest baseline with a conclusion', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'aqe-evidence-'));
  const database = openDatabase(folder);
  onTestFinished(() => {
    database.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const store = createRunStore(database);
  const evidenceOf = createEvidence(database);
  expect(evidenceOf('ollama:small')).toBeUndefined();

  const run = (id: string, hour: number, end?: Verdict): void => {
    const time = `2026-11-20T${hour}:00:00.000Z`;
    store.create({ id, plan: PLAN, startedAt: time });
    for (const taskId of PLAN.taskIds) {
      store.saveResult({ runId: id, side: 'ollama:small', taskId, repeat: 0 }, erroredTask(taskId));
    }
    if (end !== undefined) store.finish(id, new Map([['ollama:small', end]]), time);
  };
  run('older', 10, verdict('fail', 0.7));
  run('newer', 11, verdict('pass', 0.95));
  run('unsure', 12, verdict('inconclusive', 0.5));
  run('a shard', 13, verdict('partial', 0.4));
  run('running', 14);
  expect(evidenceOf('ollama:small')).toEqual({
    runId: 'newer',
    categories: ['test-generation'],
    ratio: 0.95,
    lower: verdict('pass', 0.95).lower,
    tasks: 2,
  });
  expect(evidenceOf('ollama:large')).toBeUndefined();
});
