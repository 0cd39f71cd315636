import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';

/** What a server's processes have used, all of them together. */
export interface ProcessUse {
  rssBytes: number;
  /** Since they started. */
  cpuMs: number;
}

/** The process that listens on a local TCP port. Linux only; `undefined` where none is found or readable. */
export async function findListener(proc: string, port: number): Promise<number | undefined> {
  const inodes = new Set<string>();
  for (const table of ['net/tcp', 'net/tcp6']) {
    for (const line of (await read(path.join(proc, table))).split('\n').slice(1)) {
      const columns = line.trim().split(/\s+/);
      const [, local = '', , state = ''] = columns;
      const inode = columns[9];
      if (state !== LISTENING || inode === undefined) continue;
      if (Number.parseInt(local.slice(local.lastIndexOf(':') + 1), 16) === port) inodes.add(inode);
    }
  }
  if (inodes.size === 0) return undefined;
  for (const pid of await pids(proc)) {
    const folder = path.join(proc, String(pid), 'fd');
    for (const handle of await list(folder)) {
      const target = await readlink(path.join(folder, handle)).catch(() => '');
      if (inodes.has(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '')) return pid;
    }
  }
  return undefined;
}

const LISTENING = '0A';

/** Memory and processor time of a process and its children; `undefined` once it is gone. */
export async function useOfTree(proc: string, root: number): Promise<ProcessUse | undefined> {
  const stats = new Map<number, Stat>();
  for (const pid of await pids(proc)) {
    const stat = readStat(await read(path.join(proc, String(pid), 'stat')));
    if (stat !== undefined) stats.set(pid, stat);
  }
  if (!stats.has(root)) return undefined;
  const use: ProcessUse = { rssBytes: 0, cpuMs: 0 };
  for (const [pid, stat] of stats) {
    if (!descends(pid, root, stats)) continue;
    use.rssBytes += stat.rssBytes;
    use.cpuMs += stat.cpuMs;
  }
  return use;
}

interface Stat extends ProcessUse {
  parent: number;
}

/** USER_HZ and the page size of the Linux platforms that Node runs on by default. */
const TICK_MS = 10;
const PAGE_BYTES = 4096;

function readStat(text: string): Stat | undefined {
  // The second field is a name in parentheses that may hold anything.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const [parent, user, system, pages] = [fields[1], fields[11], fields[12], fields[21]].map(Number);
  if (parent === undefined || user === undefined || system === undefined || pages === undefined)
    return undefined;
  if ([parent, user, system, pages].some(Number.isNaN)) return undefined;
  return { parent, cpuMs: (user + system) * TICK_MS, rssBytes: pages * PAGE_BYTES };
}

function descends(pid: number, root: number, stats: ReadonlyMap<number, Stat>): boolean {
  let at: number | undefined = pid;
  for (let depth = 0; at !== undefined && depth < 64; depth++) {
    if (at === root) return true;
    at = stats.get(at)?.parent;
  }
  return false;
}

async function pids(proc: string): Promise<number[]> {
  return (await list(proc)).map(Number).filter((pid) => Number.isInteger(pid) && pid > 0);
}

function list(folder: string): Promise<string[]> {
  return readdir(folder).catch(() => []);
}

function read(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
