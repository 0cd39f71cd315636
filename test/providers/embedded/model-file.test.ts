import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createEmbeddedProvider } from '../../../src/providers/embedded/embedded-provider.ts';
import { checkModelFile } from '../../../src/providers/embedded/model-file.ts';
import { enginesOf, machineClock } from './processes.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'aqe-llm-model-file-'));
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('the check of a model file', () => {
  it('gives the size of what starts like a model', async () => {
    const path = join(folder, 'fine.gguf');
    await writeFile(path, 'GGUF and more');
    expect(await checkModelFile(path)).toBe(13);
  });

  it.skipIf(process.platform === 'win32')('does not wait for a named pipe', async () => {
    const path = join(folder, 'pipe.gguf');
    execFileSync('mkfifo', [path]);
    await expect(checkModelFile(path)).rejects.toMatchObject({ code: 'provider.model-unreadable' });
  });

  it('is all that health looks at', async () => {
    const path = join(folder, 'health.gguf');
    const provider = createEmbeddedProvider({
      modelId: 'm',
      modelPath: path,
      environment: {},
      clock: machineClock,
    });
    expect(await provider.health()).toEqual({
      state: 'unavailable',
      detail: `There is no model file at ${path}`,
      hint: expect.stringContaining('aqe-llm setup'),
    });
    await writeFile(path, 'GGUF and more');
    expect(await provider.health()).toMatchObject({ state: 'ready' });
    expect(enginesOf(process.pid)).toEqual([]);
  });
});
