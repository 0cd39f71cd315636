import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compiledEntry } from '../../../src/core/compiled-entry.ts';
import type { Recording } from '../../../src/providers/replay/recording.ts';
import type { TaskResult, Verdict } from '../../../src/quality/result.ts';
import { createRunStore } from '../../../src/quality/run/run-store.ts';
import { openDatabase, type Database } from '../../../src/storage/database.ts';
import { erroredTask, gradedTask, PLAN } from '../results.ts';

const RESULT: TaskResult = erroredTask('t1');
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
const key = (runId: string, taskId = 't1') => ({ runId, side: 'ollama:small', taskId, repeat: 0 });
const VERDICT: Verdict = {
  state: 'pass',
  ratio: 1,
  lower: 1,
  upper: 1,
  strict: true,
  reasons: [],
  power: null,
};
const finish = (id: string, at: string, verdict = VERDICT) =>
  createRunStore(database).finish(id, new Map([['ollama:small', verdict]]), at);

describe('the run store', () => {
  it('finds a run by id, and the newest unfinished one', () => {
    const store = start('a');
    start('b', '2026-01-02T00:00:00.000Z');
    start('c', '2026-01-03T00:00:00.000Z');
    finish('c', '2026-01-03T01:00:00.000Z');
    expect(store.newest('unfinished')).toMatchObject({ id: 'b', plan: PLAN, finishedAt: null });
    expect(store.newest('any')?.id).toBe('c');
    expect(store.find('c')).toMatchObject({ finishedAt: '2026-01-03T01:00:00.000Z' });
    expect(store.find('d')).toBeUndefined();
  });

  it('gives back answers and results as they were', () => {
    const store = start('a');
    const recording = recordingOf('text “with” \u0000 everything 😀', true);
    store.saveAnswer(key('a'), { recordingKey: 'k', recording, answeredAt: '2026' });
    store.saveResult(key('a'), RESULT);
    expect(store.answer(key('a'))).toEqual(recording);
    expect(store.answer(key('a', 't2'))).toBeUndefined();
    expect(store.results('a', 'ollama:small')).toEqual([RESULT]);
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

  it('keeps what a side turned out to be, and where the run took place', () => {
    const store = start('a');
    expect(store.side('a', 'reference')).toBeUndefined();
    expect(store.environment('a')).toBeUndefined();
    const versions = { engine: 'b6000' };
    store.saveSide('a', 'reference', { name: 'replay:gold', versions });
    store.saveEnvironment('a', { sandbox: 'bubblewrap', versions });
    expect(store.side('a', 'reference')).toEqual({ name: 'replay:gold', versions });
    expect(store.environment('a')).toEqual({ sandbox: 'bubblewrap', versions });
  });

  it('counts requests and what they cost, and knows when it does not know', () => {
    const store = start('a');
    store.saveAttempt(key('a'), { outcome: 'overloaded', usd: 0 });
    store.saveAttempt(key('a'), { outcome: 'ok', usd: 0.25 });
    store.saveAttempt(key('a', 't2'), { outcome: 'cancelled', usd: 0.5 });
    expect(store.attempts(key('a'))).toEqual({ count: 2, usd: 0.25 });
    expect(store.attempts(key('a', 't2'))).toEqual({ count: 0, usd: 0.5 });
    expect(store.spending('a')).toEqual({ count: 2, usd: 0.75 });
    expect(store.spending('a', 'reference')).toEqual({ count: 0, usd: 0 });
    store.saveAttempt(key('a', 't3'), { outcome: 'ok', usd: undefined });
    expect(store.spending('a', 'ollama:small')).toEqual({ count: 3, usd: null });
  });

  it('forgets infrastructure errors, and then the run is not finished any more', () => {
    const store = start('a');
    store.saveResult(key('a'), RESULT);
    store.saveResult(key('a', 't2'), gradedTask('t2', 5));
    finish('a', '2026-01-03T01:00:00.000Z');
    expect(store.forgetErrors('a')).toBe(1);
    expect(store.results('a', 'ollama:small').map(({ id }) => id)).toEqual(['t2']);
    expect(store.newest('unfinished')?.id).toBe('a');
    finish('a', '2026-01-03T02:00:00.000Z');
    expect(store.forgetErrors('a')).toBe(0);
    expect(store.newest('unfinished')).toBeUndefined();
  });

  it('knows earlier verdicts by suite and candidate, the newest first, and no shards', () => {
    const store = start('a');
    for (const id of ['b', 'c', 'd']) start(id);
    finish('a', '2026-01-01');
    finish('b', '2026-01-03', { ...VERDICT, ratio: 0.5 });
    finish('c', '2026-01-02');
    finish('d', '2026-01-04', { ...VERDICT, state: 'partial' });
    const found = (filter: { suite?: string; candidate?: string }, limit = 9) =>
      store.verdicts({ ...filter, limit }).map(({ run }) => run.id);
    expect(found({ suite: 'tiny', candidate: 'ollama:small' })).toEqual(['b', 'c', 'a']);
    expect(found({}, 1)).toEqual(['b']);
    expect(found({ suite: 'other' })).toEqual([]);
    expect(found({ candidate: 'ollama:large' })).toEqual([]);
    expect(store.verdicts({ limit: 1 })[0]).toMatchObject({
      candidate: 'ollama:small',
      verdict: { ratio: 0.5 },
    });
  });

  it('learns the pace of a side from its measured answers, as reference and as candidate', () => {
    const store = start('a');
    expect(store.speedOf('ollama:small')).toBeUndefined();
    const timed = (totalMs: number, measured = true): Recording => ({
      completion: {
        model: 'm',
        text: '',
        finishReason: 'stop',
        usage: {},
        timing: { totalMs, measured },
      },
      looped: false,
    });
    const save = (taskId: string, recording: Recording, second: number): void =>
      store.saveAnswer(key('a', taskId), {
        recordingKey: taskId,
        recording,
        answeredAt: new Date(second * 1000).toISOString(),
      });
    save('t1', timed(4000), 10);
    expect(store.speedOf('ollama:small')).toEqual({ answers: 1, paceMs: 4000 });
    // Two at once: an answer every other second, and a pause that is no pace.
    save('t2', timed(4000), 12);
    save('t3', timed(4000), 14);
    save('t4', timed(4000), 500);
    save('t5', timed(1, false), 501);
    expect(store.speedOf('ollama:small')).toEqual({ answers: 4, paceMs: 2000 });
    expect(store.speedOf('replay:gold')).toBeUndefined();
  });

  it('refuses a run that another version planned', () => {
    const store = start('a');
    database.prepare(`UPDATE baseline_runs SET plan = '{"old": true}'`).run();
    expect(() => store.find('a')).toThrow(/another version/);
  });

  it('keeps every acknowledged result when the writer is killed', async () => {
    start('a');
    const program = `
      import { openDatabase } from ${JSON.stringify(compiled('../../../src/storage/database.js'))};
      import { createRunStore } from ${JSON.stringify(compiled('../../../src/quality/run/run-store.js'))};
      const store = createRunStore(openDatabase(${JSON.stringify(folder)}));
      for (let n = 0; ; n++) {
        store.saveResult({ runId: 'a', side: 'ollama:small', taskId: 't' + n, repeat: 0 }, { id: 't' + n });
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
          .results('a', 'ollama:small')
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
