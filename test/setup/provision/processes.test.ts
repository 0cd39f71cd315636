import { readFile, stat, utimes } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { bench, bytesOf, entryFor, provision, sha256Of } from './bench.ts';
import { startProvisioner } from './child-process.ts';
import { startHub } from './hub-server.ts';

const content = bytesOf(4 << 20);
const entry = entryFor(content);

test('of two processes one fetches; the other waits and finds the file', async () => {
  const hub = await startHub(content, { pieceDelayMs: 3 });
  const { settings, target } = await bench({}, { endpoint: hub.endpoint });
  const first = startProvisioner(entry, settings);
  await first.until((event) => event.type === 'progress');
  const second = startProvisioner(entry, settings);
  await Promise.all([first.exited, second.exited]);
  expect(first.events.at(-1)).toMatchObject({ type: 'finished', source: 'hugging-face' });
  expect(second.events).toContainEqual({ type: 'waiting', path: target });
  expect(second.events.at(-1)).toMatchObject({ type: 'finished', source: 'cache' });
  expect(hub.requests).toHaveLength(1);
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
});

test('after kill -9 the lock is taken over and the download goes on where it was', async () => {
  const hub = await startHub(content, { stallAfter: 2_500_000 }, {});
  const { deps, settings, target } = await bench({}, { endpoint: hub.endpoint });
  const killed = startProvisioner(entry, settings);
  await killed.until((event) => (event.doneBytes ?? 0) > 2_000_000);
  killed.process.kill('SIGKILL');
  await killed.exited;
  const { size } = await stat(`${target}.hugging-face.part`);
  expect(size).toBeGreaterThan(2_000_000);
  // The lock is as old as if its owner had been dead for a while.
  await utimes(`${target}.lock`, 0, 0);
  const { events } = await provision(entry, deps);
  expect(events.at(-1)).toMatchObject({ type: 'finished', source: 'hugging-face' });
  expect(hub.requests[1]).toMatchObject({ range: `bytes=${size}-`, ifRange: '"v1"' });
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
});

test('two searches in one process do not fetch twice either', async () => {
  const hub = await startHub(content, { pieceDelayMs: 1 });
  const { deps } = await bench({}, { endpoint: hub.endpoint });
  const outcomes = await Promise.all([provision(entry, deps), provision(entry, deps)]);
  expect(outcomes.map(({ events }) => events.at(-1)?.type)).toEqual(['finished', 'finished']);
  expect(hub.requests).toHaveLength(1);
});
