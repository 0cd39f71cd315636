import { mkdir, writeFile } from 'node:fs/promises';
import { totalmem } from 'node:os';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { freeDiskBytes, readHardware, readMemory } from '../../src/setup/hardware.ts';
import { temporaryFolder } from './temporary-folder.ts';

async function rootWith(files: Record<string, string>): Promise<string> {
  const root = await temporaryFolder();
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text);
  }
  return root;
}

test('without control groups the machine’s own memory counts', async () => {
  const memory = await readMemory(await rootWith({}));
  expect(memory.totalBytes).toBe(totalmem());
  expect(memory.availableBytes).toBeGreaterThan(0);
});

test('a limit of version 2 counts, also that of a group above, and the file cache can be given back', async () => {
  const root = await rootWith({
    'proc/self/cgroup': '0::/batch/job\n',
    'sys/fs/cgroup/batch/memory.max': '3000000\n',
    'sys/fs/cgroup/batch/memory.current': '1500000\n',
    'sys/fs/cgroup/batch/memory.stat': 'anon 500000\ninactive_file 1000000\n',
    'sys/fs/cgroup/batch/job/memory.max': 'max\n',
    'sys/fs/cgroup/batch/job/memory.current': '1500000\n',
  });
  expect(await readMemory(root)).toEqual({ totalBytes: 3_000_000, availableBytes: 2_500_000 });
});

test('a limit of version 1 counts where a container mounts its own group at the root', async () => {
  const root = await rootWith({
    'proc/self/cgroup': '5:devices:/docker/abc\n4:memory:/docker/abc\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '2000000\n',
    'sys/fs/cgroup/memory/memory.usage_in_bytes': '600000\n',
    'sys/fs/cgroup/memory/memory.stat': 'total_inactive_file 100000\n',
  });
  expect(await readMemory(root)).toEqual({ totalBytes: 2_000_000, availableBytes: 1_500_000 });
});

test('version 1’s huge number for “no limit” is none', async () => {
  const root = await rootWith({
    'proc/self/cgroup': '4:memory:/\n',
    'sys/fs/cgroup/memory/memory.limit_in_bytes': '9223372036854771712\n',
    'sys/fs/cgroup/memory/memory.usage_in_bytes': '600000\n',
  });
  expect((await readMemory(root)).totalBytes).toBe(totalmem());
});

test('the disk of a folder that does not exist yet is that of its parent', async () => {
  const folder = await temporaryFolder();
  expect(await freeDiskBytes(join(folder, 'not', 'yet'))).toBeGreaterThan(0);
  const hardware = await readHardware(folder);
  expect(hardware.cores).toBeGreaterThan(0);
  expect(hardware.platform).toBe(process.platform);
});
