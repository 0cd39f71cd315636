import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { examine } from '../../../src/setup/doctor/doctor.ts';
import type { DoctorDeps } from '../../../src/setup/doctor/doctor.ts';
import type { Finding } from '../../../src/setup/doctor/finding.ts';
import { bench, content, entryFor } from '../provision/bench.ts';

const entry = entryFor(content);

async function depsWith(overrides: Partial<DoctorDeps> = {}): Promise<DoctorDeps> {
  const { settings } = await bench();
  return {
    nodeVersion: 'v20.19.0',
    env: {},
    settings,
    hardware: {
      platform: 'linux',
      memory: { totalBytes: 16e9, availableBytes: 8e9 },
      cores: 4,
      freeDiskBytes: 50e9,
    },
    probeSandbox: async () => 'bubblewrap',
    gpus: [],
    lookAtServers: async () => [],
    ...overrides,
  };
}

async function findings(overrides: Partial<DoctorDeps> = {}): Promise<Map<string, Finding>> {
  const found = await examine(await depsWith(overrides));
  return new Map(found.map((finding) => [finding.id, finding]));
}

test('a sound machine: Node, native modules, sandbox, resources', async () => {
  const found = await findings();
  expect(found.get('node')).toMatchObject({ state: 'ok', detail: 'v20.19.0' });
  expect(found.get('native.better-sqlite3')).toMatchObject({
    state: 'ok',
    detail: expect.stringMatching(/^SQLite 3\./),
  });
  expect(found.get('native.node-llama-cpp')).toMatchObject({
    state: 'ok',
    detail: expect.stringMatching(/^llama\.cpp \S+, /),
  });
  expect(found.get('sandbox')).toMatchObject({ state: 'ok', detail: 'bubblewrap' });
  expect(found.get('memory')).toMatchObject({ detail: '8.00 GB of 16.00 GB available' });
  expect(found.get('cores')).toMatchObject({ state: 'ok', detail: '4' });
  expect(found.get('models.fitting')).toMatchObject({
    detail: expect.stringContaining('rnj-1'),
  });
  expect(found.get('cache')).toMatchObject({ state: 'ok' });
});

test('a poor machine: old Node, no sandbox, little of everything', async () => {
  const found = await findings({
    nodeVersion: 'v20.18.3',
    probeSandbox: async () => {
      throw new AppError('sandbox.none', 'No sandbox works here.', { hint: 'Install bubblewrap.' });
    },
    hardware: {
      platform: 'linux',
      memory: { totalBytes: 2e9, availableBytes: 1e9 },
      cores: 1,
      freeDiskBytes: 1e8,
    },
  });
  expect(found.get('node')).toMatchObject({
    state: 'missing',
    hint: 'Install Node 20.19 or newer.',
  });
  expect(found.get('sandbox')).toMatchObject({ state: 'missing', hint: 'Install bubblewrap.' });
  expect(['memory', 'cores', 'disk'].map((id) => found.get(id)?.state)).toEqual([
    'warning',
    'warning',
    'warning',
  ]);
});

test('a newer Node is fine, an unsafe sandbox is warned of, setup is the hint where there is no model', async () => {
  const found = await findings({ nodeVersion: 'v22.0.0', probeSandbox: async () => 'unsafe' });
  expect(found.get('node')?.state).toBe('ok');
  expect(found.get('sandbox')?.state).toBe('warning');
  expect(found.get('model')).toMatchObject({ state: 'missing', hint: 'Run: aqe-llm setup' });
});

test('a configured model is looked for and checked', async () => {
  const deps = await depsWith({ model: { entry } });
  const state = async (): Promise<string | undefined> =>
    (await examine(deps)).find((finding) => finding.id === 'model')?.state;
  expect(await state()).toBe('missing');
  const path = join(deps.settings.cacheFolder, 'models', entry.fileName);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content.subarray(1));
  expect(await state()).toBe('missing');
  await writeFile(path, content);
  expect(await state()).toBe('ok');
});

test('GPUs and servers are shown, and models that fit a GPU alone count', async () => {
  const found = await findings({
    gpus: [{ name: 'A10', vramBytes: 24 * 2 ** 30 }],
    lookAtServers: async () => [
      {
        name: 'gpu',
        kind: 'ollama',
        url: 'http://gpu:1',
        state: 'up',
        models: [{ name: 'rnj-1' }],
      },
    ],
  });
  expect(found.get('gpu.0')).toMatchObject({ state: 'ok', detail: 'A10, 25.77 GB' });
  expect(found.get('models.fitting')?.detail).toContain('qwen3-coder:30b');
  expect(found.get('server.gpu')).toMatchObject({ detail: 'has rnj-1 at http://gpu:1' });
});

test('a model file of the user’s own must be readable', async () => {
  const found = await findings({ model: { path: '/no/such.gguf' } });
  expect(found.get('model')).toMatchObject({
    state: 'missing',
    detail: '/no/such.gguf cannot be read',
  });
});

test('keys are present or not, and never shown', async () => {
  const deps = await depsWith({
    env: { ANTHROPIC_API_KEY: 'sk-ant-topsecret', HF_TOKEN: 'hf_topsecret', OPENAI_API_KEY: '' },
  });
  const found = await examine(deps);
  expect(JSON.stringify(found)).not.toContain('topsecret');
  const keys = found.filter((finding) => finding.id.startsWith('key.'));
  expect(keys.map(({ title, detail }) => `${title} ${detail}`)).toEqual([
    'ANTHROPIC_API_KEY set',
    'OPENAI_API_KEY not set',
    'HF_TOKEN set',
  ]);
});
