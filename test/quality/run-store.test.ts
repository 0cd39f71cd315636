import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compiledEntry } from '../../src/core/compiled-entry.ts';
import type { Recording } from '../../src/providers/replay/recording.ts';
import type { TaskResult } from '../../src/quality/result.ts';
import { createRunStore, type RunPlan } from '../../src/quality/run-store.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';

const PLAN: RunPlan = {
  suiteFolder: '/suite',
  suiteName: 'suite',
  suiteHash: 'abc',
  taskIds: ['t1', 't2'],
  candidate: 'embedded:m',
  reference: 'replay:gold',
  seed: 1,
  maxTokens: 100,
  temperature: 0,
  rubric: 'linear',
};
const RESULT: TaskResult = {
  id: 't1',
  category: 'test-generation',
  complexity: 'simple',
  repeat: 0,
  state: 'error',
  error: { code: 'c', message: 'm' },
};
const recordingOf = (text: string, measured: boolean): Recording => ({
  completion: { model: 'm', text, finishReason: 'stop', usage: {}, timing: { measured } },
  looped: false,
});

let folder: string;
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-runs-'));
  database = openDatabase(folder);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

const start = (id: string, startedAt = '2026-01-01T00:00:00.000Z') => {
  const store = createRunStore(database);
  store.create({ id, plan: PLAN, startedAt });
  return store;
};
const key = (runId: string, taskId = 't1') =>
  ({ runId, side: 'candidate', taskId, repeat: 0 }) as const;
const VERDICT = { state: 'pass', ratio: 1, lower: 1, upper: 1, strict: true, reasons: [] } as const;

describe('the run store', () => {
  it('finds a run by id, and the newest unfinished one', () => {
    const store = start('a');
    start('b', '2026-01-02T00:00:00.000Z');
    start('c', '2026-01-03T00:00:00.000Z');
    store.finish('c', { ...VERDICT, reasons: [] }, '2026-01-03T01:00:00.000Z');
    expect(store.find(undefined)).toMatchObject({ id: 'b', plan: PLAN, finished: false });
    expect(store.find('c')).toMatchObject({ id: 'c', finished: true });
    expect(store.find('d')).toBeUndefined();
  });

  it('gives back answers and results as they were', () => {
    const store = start('a');
    const recording = recordingOf('text “with” \u0000 everything 😀', true);
    store.saveAnswer(key('a'), { recordingKey: 'k', recording, answeredAt: '2026' });
    store.saveResult(key('a'), RESULT);
    expect(store.answer(key('a'))).toEqual(recording);
    expect(store.answer(key('a', 't2'))).toBeUndefined();
    expect(store.results('a', 'candidate')).toEqual([RESULT]);
    expect(store.results('a', 'reference')).toEqual([]);
  });

  it('records the newest answer that was measured, and no replay', () => {
    const store = start('a');
    const save = (taskId: string, recording: Recording, answeredAt: string): void =>
      store.saveAnswer(key('a', taskId), { recordingKey: 'k', recording, answeredAt });
    expect(store.recording('k')).toBeUndefined();
    save('t1', recordingOf('old', true), '2026-01-01');
    save('t2', recordingOf('new', true), '2026-01-02');
    save('t3', recordingOf('replayed', false), '2026-01-03');
    expect(store.recording('k')?.completion.text).toBe('new');
  });

  it('refuses a run that another version planned', () => {
    const store = start('a');
    database.prepare(`UPDATE baseline_runs SET plan = '{"old": true}'`).run();
    expect(() => store.find('a')).toThrow(/another version/);
  });

  it('keeps every acknowledged result when the writer is killed', async () => {
    start('a');
    const program = `
      import { openDatabase } from ${JSON.stringify(compiled('../../src/storage/database.js'))};
      import { createRunStore } from ${JSON.stringify(compiled('../../src/quality/run-store.js'))};
      const store = createRunStore(openDatabase(${JSON.stringify(folder)}));
      for (let n = 0; ; n++) {
        store.saveResult({ runId: 'a', side: 'candidate', taskId: 't' + n, repeat: 0 }, { id: 't' + n });
        process.stdout.write('t' + n + '\\n');
      }`;
    for (const after of [1, 7, 40]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
      const acknowledged: string[] = [];
      for await (const line of createInterface(child.stdout)) {
        acknowledged.push(line);
        if (acknowledged.length === after) child.kill('SIGKILL');
      }
      const kept = new Set(
        createRunStore(database)
          .results('a', 'candidate')
          .map(({ id }) => id),
      );
      expect(acknowledged.filter((id) => !kept.has(id))).toEqual([]);
      expect(database.pragma('integrity_check', { simple: true })).toBe('ok');
    }
  });
});

function compiled(relative: string): string {
  return compiledEntry(import.meta.url, relative).href;
}
