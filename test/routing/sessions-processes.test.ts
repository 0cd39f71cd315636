import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createSessions, type Sessions } from '../../src/routing/sessions.ts';
import { LEASE_MS } from '../../src/routing/sessions/store.ts';
import { openDatabase, type Database } from '../../src/storage/database.ts';
import { machineClock } from '../providers/embedded/processes.ts';

let folder: string;
let database: Database;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'aqe-sessions-processes-'));
  database = openDatabase(folder);
});
afterEach(() => {
  database.close();
  rmSync(folder, { recursive: true, force: true });
});

function startWriter(name: string, turns: number): ChildProcess {
  const program = fileURLToPath(new URL('./session-writer.ts', import.meta.url));
  const argv = ['--import', 'tsx', program, folder, name, String(turns)];
  return spawn(process.execPath, argv, { stdio: ['ignore', 'pipe', 'inherit'] });
}

/** The same session, seen by a process whose clock is so far ahead. */
function sessionsAhead(ms: number): Sessions {
  const clock = { ...machineClock, now: () => machineClock.now() + ms };
  return createSessions({ database, clock, sessionHours: 1, holder: 'reader' });
}

it('lets several processes write one session, one turn after the other', async () => {
  const writers = ['a', 'b', 'c'].map((name) => startWriter(name, 40));
  const ends = await Promise.all(writers.map(async (writer) => (await once(writer, 'exit'))[0]));
  expect(ends).toEqual([0, 0, 0]);
  const turn = await sessionsAhead(0).open('shared');
  turn.release();
  const { history } = turn;
  expect(history).toHaveLength(240);
  for (const [index, { role, content }] of history.entries()) {
    if (index % 2 === 1) continue;
    const [length, name] = content.split(' ');
    expect([role, Number(length)]).toEqual(['user', index]);
    expect(history[index + 1]?.content).toBe(`answer to ${name}`);
  }
});

it('goes on where the holder was killed, once its lease has run out', async () => {
  const holder = startWriter('a', 0);
  await once(holder.stdout ?? expect.fail(), 'data');
  const soon = AbortSignal.timeout(200);
  await expect(sessionsAhead(0).open('shared', soon)).rejects.toThrow();
  holder.kill('SIGKILL');
  await once(holder, 'exit');
  const heir = await sessionsAhead(LEASE_MS).open('shared');
  expect(heir.history).toEqual([]);
  heir.release();
});
