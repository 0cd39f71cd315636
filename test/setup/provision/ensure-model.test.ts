import { execFileSync } from 'node:child_process';
import { mkdir, readFile, readdir, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { CatalogueEntry } from '../../../src/config/catalogue.ts';
import { locateModel } from '../../../src/setup/provision/ensure-model.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { bench, bytesOf, content, entryFor, failuresOf, provision, sha256Of } from './bench.ts';
import { startHub } from './hub-server.ts';

const entry = entryFor(content);
const wrong = bytesOf(content.length, 'other');

async function put(path: string, data: Buffer): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, data);
}

test('a named file is checked and used where it lies', async () => {
  const { deps } = await bench();
  const modelFile = join(await temporaryFolder(), 'mine.gguf');
  await put(modelFile, content);
  const { events } = await provision(entry, deps, { modelFile });
  expect(events.at(-1)).toEqual({ type: 'finished', source: 'file', path: modelFile });
});

test.each([
  ['absent', undefined, /there is no such file/],
  ['truncated', content.subarray(0, 1000), /it has 1000 bytes, not 300000/],
  ['another', wrong, /its SHA-256 is/],
])('a named file that is %s is an error, and stays as it is', async (_, data, message) => {
  const { deps } = await bench();
  const modelFile = join(await temporaryFolder(), 'mine.gguf');
  if (data !== undefined) await put(modelFile, data);
  const { error } = await provision(entry, deps, { modelFile });
  expect(error).toMatchObject({
    code: 'model.file-mismatch',
    message: expect.stringMatching(message),
    exitCode: 2,
  });
  if (data !== undefined) expect(sha256Of(await readFile(modelFile))).toBe(sha256Of(data));
});

test('a cached file is found without the network, its hash computed once', async () => {
  const { deps, settings, target } = await bench();
  await put(target, content);
  await utimes(target, 1000, 1000);
  expect((await provision(entry, deps)).events.at(-1)).toMatchObject({ source: 'cache' });
  // Same size and time: what is remembered counts. This is what makes a start quick.
  await writeFile(target, wrong);
  await utimes(target, 1000, 1000);
  expect(await locateModel(entry, settings)).toEqual({ source: 'cache', path: target });
  await utimes(target, 1, 1);
  expect(await locateModel(entry, settings)).toBeUndefined();
});

test.each([
  ['truncated', content.subarray(0, 1000)],
  ['altered', wrong],
])('a cached file that is %s is replaced', async (_, data) => {
  const hub = await startHub(content);
  const { deps, target } = await bench({}, { endpoint: hub.endpoint });
  await put(target, data);
  const outcome = await provision(entry, deps);
  expect(failuresOf(outcome)[0]).toMatch(/^cache: .*tiny\.gguf is damaged/);
  expect(outcome.events.at(-1)).toMatchObject({ type: 'finished', source: 'hugging-face' });
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
});

test('a model in Ollama is used in place; a damaged one is left alone', async () => {
  const { deps, settings } = await bench();
  const blob = join(settings.ollamaFolders[0] ?? '', 'blobs', `sha256-${entry.sha256}`);
  await put(blob, content);
  expect((await provision(entry, deps)).events.at(-1)).toEqual({
    type: 'finished',
    source: 'ollama',
    path: blob,
  });
  await put(blob, wrong);
  await utimes(blob, 1, 1);
  expect(failuresOf(await provision(entry, deps))[0]).toMatch(/^ollama: .* is damaged/);
  expect(sha256Of(await readFile(blob))).toBe(sha256Of(wrong));
});

test.each(['blob', 'snapshot'])(
  'a model in the Hugging Face cache is used in place: %s',
  async (kind) => {
    const { deps, settings } = await bench();
    const folder = join(settings.huggingFace.cacheFolder, 'models--org--tiny-GGUF');
    const blob = join(folder, 'blobs', kind === 'blob' ? entry.sha256 : 'etag');
    const snapshot = join(folder, 'snapshots', 'abc123', 'tiny-q4.gguf');
    await put(blob, content);
    await mkdir(dirname(snapshot), { recursive: true });
    await symlink(blob, snapshot);
    const { events } = await provision(entry, deps);
    expect(events.at(-1)).toEqual({
      type: 'finished',
      source: 'hugging-face-cache',
      path: kind === 'blob' ? blob : snapshot,
    });
  },
);

test('a model that is not on Hugging Face skips it', async () => {
  const { huggingFace: _, ...rest } = entry;
  const local: CatalogueEntry = rest;
  const { deps } = await bench();
  const outcome = await provision(local, deps);
  expect(failuresOf(outcome)).toEqual(['python-packages: no Python here']);
  expect(outcome.error).toMatchObject({
    hint: expect.stringContaining(`Get tiny.gguf (SHA-256 ${entry.sha256})`),
  });
});

test('too little disk is said before a byte is fetched', async () => {
  const hub = await startHub(content);
  const { deps } = await bench({ freeDiskBytes: async () => 310_000 }, { endpoint: hub.endpoint });
  const { error } = await provision(entry, deps);
  expect(error).toMatchObject({
    code: 'model.disk-full',
    message: expect.stringMatching(/Tiny needs 315 kB more in .*, and 310 kB are free/),
  });
  expect(hub.requests).toEqual([]);
});

function mountMemory(folder: string, size: string): boolean {
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder], {
      stdio: 'ignore',
    });
    return true;
  } catch {
    return false;
  }
}

test('a disk that fills up on the way keeps the bytes, and the next start goes on', async ({
  skip,
}) => {
  const hub = await startHub(content);
  const { deps, target } = await bench({}, { endpoint: hub.endpoint });
  const folder = dirname(target);
  await mkdir(folder, { recursive: true });
  skip(!mountMemory(folder, '128k'), 'a small disk can only be mounted by root');
  onTestFinished(() => {
    execFileSync('umount', [folder]);
  });
  const full = await provision(entry, deps);
  expect(full.error).toMatchObject({
    code: 'model.disk-full',
    hint: expect.stringContaining('goes on where it stopped'),
  });
  const { size } = await stat(`${target}.hugging-face.part`);
  expect(size).toBeGreaterThan(0);
  execFileSync('mount', ['-o', 'remount,size=2m', folder]);
  const { events } = await provision(entry, deps);
  expect(events.at(-1)).toMatchObject({ type: 'finished' });
  expect(hub.requests[1]?.range).toBe(`bytes=${size}-`);
  expect(sha256Of(await readFile(target))).toBe(sha256Of(content));
});

test('a cache folder that cannot be made says so', async () => {
  const { deps, settings } = await bench();
  await put(settings.cacheFolder, Buffer.from('a file in the way'));
  expect((await provision(entry, deps)).error).toMatchObject({
    code: 'model.write-failed',
    hint: expect.stringContaining('AQE_LLM_CACHE'),
  });
});

test('an abort before the start does nothing', async () => {
  const { deps, settings } = await bench();
  const signal = AbortSignal.abort(new Error('enough'));
  expect((await provision(entry, deps, { signal })).error).toMatchObject({ message: 'enough' });
  await expect(readdir(settings.cacheFolder)).rejects.toThrow(/ENOENT/);
});
