import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, test } from 'vitest';
import { machineOf, readGpus } from '../../src/setup/gpu.ts';
import { temporaryFolder } from './temporary-folder.ts';

async function withTool(script: string): Promise<{ PATH: string }> {
  const folder = await temporaryFolder();
  await writeFile(path.join(folder, 'nvidia-smi'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return { PATH: `${folder}:/bin` };
}

test('GPUs are read from the driver’s tool; one without a figure is left out', async () => {
  const env = await withTool(
    String.raw`printf 'NVIDIA A10, 23028\nNVIDIA GB10, [N/A]\nTesla T4, 15360\n'`,
  );
  const gpus = await readGpus(env);
  expect(gpus).toEqual([
    { name: 'NVIDIA A10', vramBytes: 23_028 * 2 ** 20 },
    { name: 'Tesla T4', vramBytes: 15_360 * 2 ** 20 },
  ]);
  const hardware = {
    platform: 'linux',
    memory: { totalBytes: 9, availableBytes: 5 },
    cores: 1,
    freeDiskBytes: 1,
  } as const;
  expect(machineOf(hardware, gpus)).toEqual({ memoryBytes: 5, vramBytes: 38_388 * 2 ** 20 });
  expect(machineOf(hardware, [])).toEqual({ memoryBytes: 5 });
});

test('no tool, or one that fails, means no GPU', async () => {
  expect(await readGpus({ PATH: await temporaryFolder() })).toEqual([]);
  expect(await readGpus(await withTool('echo "driver not loaded"; exit 9'))).toEqual([]);
});
