import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { bench, bytesOf, content, entryFor, failuresOf, provision, sha256Of } from './bench.ts';
import { startHub } from './hub-server.ts';

const entry = entryFor(content);
const partName = 'tiny.gguf.hugging-face.part';

async function leavePart(target: string, bytes: Buffer, state: object): Promise<void> {
  await mkdir(dirname(target), { recursive: true });
  await writeFile(`${target}.hugging-face.part`, bytes);
  await writeFile(
    `${target}.hugging-face.part.json`,
    JSON.stringify({ sha256: entry.sha256, ...state }),
  );
}

test('a whole file is fetched, checked and put in place, and nothing else stays', async () => {
  const hub = await startHub(content);
  const { deps, target } = await bench({}, { endpoint: hub.endpoint });
  const { events } = await provision(entry, deps);
  expect(events[0]).toEqual({ type: 'started', model: 'tiny', totalBytes: content.length });
  expect(events.at(-1)).toEqual({ type: 'finished', source: 'hugging-face', path: target });
  expect(events).toContainEqual({
    type: 'progress',
    source: 'hugging-face',
    doneBytes: content.length,
    totalBytes: content.length,
  });
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
  expect(await readdir(dirname(target))).toEqual(['tiny.gguf']);
  expect(hub.requests.map((request) => request.url)).toEqual([
    '/org/tiny-GGUF/resolve/main/tiny-q4.gguf',
  ]);
});

test('after a cut connection it goes on with the next byte of the same version', async () => {
  const hub = await startHub(content, { cutAfter: 100_000 }, {});
  const { deps, target } = await bench({}, { endpoint: hub.endpoint });
  const { events } = await provision(entry, deps);
  expect(events).toContainEqual(expect.objectContaining({ type: 'retrying' }));
  expect(hub.requests[1]).toMatchObject({ range: 'bytes=100000-', ifRange: '"v1"' });
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
});

test('a file that changed meanwhile is fetched from its beginning', async () => {
  const hub = await startHub(content, { etag: '"v2"' });
  const { deps, target } = await bench({}, { endpoint: hub.endpoint });
  await leavePart(target, bytesOf(100_000, 'old'), { etag: '"v1"' });
  const { events } = await provision(entry, deps);
  expect(hub.requests[0]).toMatchObject({ range: 'bytes=100000-', ifRange: '"v1"' });
  expect(events.at(-1)).toMatchObject({ type: 'finished' });
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
});

test('a server that ignores ranges sends the whole again', async () => {
  const hub = await startHub(content, { cutAfter: 100_000 }, { ignoreRange: true });
  const { deps, target } = await bench({}, { endpoint: hub.endpoint });
  await provision(entry, deps);
  expect(hub.requests).toHaveLength(2);
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
});

test('a range the server does not have begins again from nothing', async () => {
  const hub = await startHub(content, { status: 416 }, {});
  const { deps, target } = await bench({}, { endpoint: hub.endpoint });
  await leavePart(target, content.subarray(0, 100_000), {});
  await provision(entry, deps);
  expect(hub.requests.map((request) => request.range)).toEqual(['bytes=100000-', undefined]);
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
});

test('a whole part of an earlier start needs no request', async () => {
  const hub = await startHub(content);
  const { deps, target } = await bench({}, { endpoint: hub.endpoint });
  await leavePart(target, content, {});
  await provision(entry, deps);
  expect(hub.requests).toEqual([]);
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
});

test('an answer that ends too early goes on; one that always does is given up and its bytes kept', async () => {
  const hub = await startHub(content, { endAfter: 50_000 }, { endAfter: 0 });
  const { deps, target } = await bench({}, { endpoint: hub.endpoint });
  const outcome = await provision(entry, deps);
  expect(failuresOf(outcome)[0]).toBe(
    'hugging-face: the connection ended at 50000 of 300000 bytes',
  );
  expect(sha256Of(await readFile(`${target}.hugging-face.part`))).toBe(
    sha256Of(content.subarray(0, 50_000)),
  );
});

test('a connection that gives nothing more counts as broken', async () => {
  const hub = await startHub(content, { stallAfter: 100_000 }, {});
  const { deps, target } = await bench({}, { endpoint: hub.endpoint });
  const { events } = await provision(entry, deps);
  expect(events).toContainEqual(
    expect.objectContaining({
      type: 'retrying',
      reason: expect.stringContaining('gave nothing for 30 s'),
    }),
  );
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
});

test('a wrong file of the right size is removed', async () => {
  const hub = await startHub(bytesOf(content.length, 'other'));
  const { deps, target } = await bench({}, { endpoint: hub.endpoint });
  const outcome = await provision(entry, deps);
  expect(failuresOf(outcome)[0]).toMatch(
    /^hugging-face: the file fetched is wrong: its SHA-256 is/,
  );
  expect(await readdir(dirname(target))).toEqual([]);
  expect(outcome.error).toMatchObject({ code: 'model.unavailable', exitCode: 2 });
});

test.each([
  ['another size', { body: Buffer.from('<html>sign in</html>') }, /has 20 bytes, not 300000/],
  ['401', { status: 401 }, /access denied \(HTTP 401\); HF_TOKEN/],
  ['404', { status: 404 }, /no such file there \(HTTP 404\)/],
])('%s fails at once', async (_, answer, reason) => {
  const hub = await startHub(content, answer);
  const { deps } = await bench({}, { endpoint: hub.endpoint });
  const outcome = await provision(entry, deps);
  expect(failuresOf(outcome)[0]).toMatch(reason);
  expect(hub.requests).toHaveLength(1);
});

test('a busy server is asked again, four times in all', async () => {
  const hub = await startHub(content, { status: 503 });
  const { deps } = await bench({}, { endpoint: hub.endpoint });
  const outcome = await provision(entry, deps);
  expect(failuresOf(outcome)[0]).toBe('hugging-face: HTTP 503');
  expect(hub.requests).toHaveLength(4);
});

test('the token goes to the endpoint and not to where it redirects', async () => {
  const cdn = await startHub(content);
  const hub = await startHub(content, { redirect: `${cdn.endpoint}/blob?signature=s3cret` });
  const { deps } = await bench({}, { endpoint: hub.endpoint, token: 'hf_topsecret' });
  const outcome = await provision(entry, deps);
  expect(outcome.events.at(-1)).toMatchObject({ type: 'finished' });
  expect(hub.requests[0]?.authorization).toBe('Bearer hf_topsecret');
  expect(cdn.requests[0]?.authorization).toBeUndefined();
});

test('neither a token nor a signed address is in an event or an error', async () => {
  const cdn = await startHub(content, { status: 403 });
  const hub = await startHub(content, { redirect: `${cdn.endpoint}/blob?signature=s3cret` });
  const { deps } = await bench({}, { endpoint: hub.endpoint, token: 'hf_topsecret' });
  const { events, error } = await provision(entry, deps);
  const shown = JSON.stringify([events, error]) + String(error);
  expect(shown).toContain('HTTP 403');
  expect(shown).not.toMatch(/topsecret|s3cret/);
});

test('a redirect in circles ends', async () => {
  const hub = await startHub(content, { redirect: '/again' });
  const { deps } = await bench({}, { endpoint: hub.endpoint });
  expect(failuresOf(await provision(entry, deps))[0]).toMatch(/redirects in circles/);
});

test.each(['http://127.0.0.1:1', 'http://no-such-host.invalid'])(
  'a host that cannot be reached is not tried again: %s',
  async (endpoint) => {
    const { deps } = await bench({}, { endpoint });
    const outcome = await provision(entry, deps);
    expect(failuresOf(outcome)[0]).toMatch(/cannot be reached/);
    expect(outcome.events.filter((event) => event.type === 'retrying')).toEqual([]);
  },
);

test('HF_HUB_OFFLINE is honoured', async () => {
  const hub = await startHub(content);
  const { deps } = await bench({}, { endpoint: hub.endpoint, offline: true });
  expect(failuresOf(await provision(entry, deps))[0]).toBe('hugging-face: HF_HUB_OFFLINE is set');
  expect(hub.requests).toEqual([]);
});

test('an abort stops at once and keeps the bytes', async () => {
  const hub = await startHub(content, { stallAfter: 60_000 });
  const controller = new AbortController();
  const { deps, target } = await bench({}, { endpoint: hub.endpoint });
  const stop = setTimeout(() => controller.abort(new Error('enough')), 200);
  const { error } = await provision(entry, deps, { signal: controller.signal });
  clearTimeout(stop);
  expect(error).toMatchObject({ message: 'enough' });
  expect(sha256Of(await readFile(`${target}.hugging-face.part`))).toBe(
    sha256Of(content.subarray(0, 60_000)),
  );
  expect((await readdir(dirname(target))).toSorted()).toEqual([partName, `${partName}.json`]);
});
