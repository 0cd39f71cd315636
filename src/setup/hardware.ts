import { readFile, statfs } from 'node:fs/promises';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname, join, resolve } from 'node:path';

/** What the machine has for us, container limits respected. */
export interface Hardware {
  platform: NodeJS.Platform;
  memory: Memory;
  /** Processors that this process may use. */
  cores: number;
  /** Bytes that may still be written where models are kept. */
  freeDiskBytes: number;
}

export interface Memory {
  totalBytes: number;
  /** What a new process could take without swapping. */
  availableBytes: number;
}

/** @param folder where models are kept; it need not exist yet */
export async function readHardware(folder: string): Promise<Hardware> {
  return {
    platform: process.platform,
    memory: await readMemory(),
    cores: availableParallelism(),
    freeDiskBytes: await freeDiskBytes(folder),
  };
}

/** Bytes that an ordinary user may still write in the folder, or in its nearest parent that exists. */
export async function freeDiskBytes(folder: string): Promise<number> {
  const path = resolve(folder);
  try {
    const stats = await statfs(path);
    return stats.bavail * stats.bsize;
  } catch (error) {
    const parent = dirname(path);
    if (!isMissing(error) || parent === path) throw error;
    return freeDiskBytes(parent);
  }
}

/** @param root folder that holds `proc` and `sys`; a test passes its own */
export async function readMemory(root = '/'): Promise<Memory> {
  const total = totalmem();
  // macOS counts only untouched pages as free; the file cache, which it gives back on demand, is not among them.
  const free = process.platform === 'darwin' ? Math.max(freemem(), total / 2) : freemem();
  let memory: Memory = { totalBytes: total, availableBytes: free };
  for (const limit of await cgroupMemory(root)) {
    memory = {
      totalBytes: Math.min(memory.totalBytes, limit.totalBytes),
      availableBytes: Math.min(memory.availableBytes, limit.availableBytes),
    };
  }
  return memory;
}

/** The limits of this process's control group and of every group above it (v2 and v1); none outside Linux. */
async function cgroupMemory(root: string): Promise<Memory[]> {
  const membership = (await readText(join(root, 'proc/self/cgroup'))) ?? '';
  const limits: Memory[] = [];
  for (const line of membership.split('\n')) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (controllers === undefined || path === undefined) continue;
    const version =
      controllers === '' ? v2 : controllers.split(',').includes('memory') ? v1 : undefined;
    if (version === undefined) continue;
    const mount = join(root, version.mount);
    // In a container the path is often the host's, while the mount shows the container's group at its root.
    for (let group = path; ; group = dirname(group)) {
      const limit = await groupMemory(join(mount, group), version);
      if (limit !== undefined) limits.push(limit);
      if (dirname(group) === group) break;
    }
  }
  return limits;
}

interface CgroupVersion {
  mount: string;
  limit: string;
  usage: string;
  /** The line of memory.stat with the file cache that can be dropped. */
  reclaimable: string;
}
const v2: CgroupVersion = {
  mount: 'sys/fs/cgroup',
  limit: 'memory.max',
  usage: 'memory.current',
  reclaimable: 'inactive_file',
};
const v1: CgroupVersion = {
  mount: 'sys/fs/cgroup/memory',
  limit: 'memory.limit_in_bytes',
  usage: 'memory.usage_in_bytes',
  reclaimable: 'total_inactive_file',
};

async function groupMemory(folder: string, version: CgroupVersion): Promise<Memory | undefined> {
  const limit = Number(await readText(join(folder, version.limit)));
  // "max" is no number; version 1 writes a number near 2^63 for no limit, which `min` drops.
  if (!Number.isFinite(limit) || limit <= 0) return undefined;
  const usage = Number(await readText(join(folder, version.usage))) || 0;
  const stat = (await readText(join(folder, 'memory.stat'))) ?? '';
  const cached = Number(new RegExp(`^${version.reclaimable} (\\d+)$`, 'm').exec(stat)?.[1] ?? 0);
  return { totalBytes: limit, availableBytes: Math.max(0, limit - Math.max(0, usage - cached)) };
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return (await readFile(path, 'utf8')).trim();
  } catch {
    return undefined;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
