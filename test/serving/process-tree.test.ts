import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findListener, useOfTree } from '../../src/serving/process-tree.ts';

let proc: string;

/** A folder as Linux shows a process: a stat file with its parent, ticks and pages, and its handles. */
async function addProcess(pid: number, parent: number, ticks: number, pages: number) {
  const folder = path.join(proc, String(pid));
  await mkdir(path.join(folder, 'fd'), { recursive: true });
  const fields = ['S', parent, ...Array(9).fill(0), ticks, 0, ...Array(8).fill(0), pages];
  await writeFile(path.join(folder, 'stat'), `${pid} (a (strange) name) ${fields.join(' ')}\n`);
}

beforeAll(async () => {
  proc = await mkdtemp(path.join(tmpdir(), 'aqe-llm-proc-'));
  await mkdir(path.join(proc, 'net'));
  const row = (port: number, state: string, inode: number): string =>
    `   0: 0100007F:${port.toString(16).toUpperCase()} 00000000:0000 ${state} 0:0 0:0 0 0 0 ${inode} 1`;
  const rows = [row(18080, '0A', 500), row(18081, '01', 501)];
  await writeFile(path.join(proc, 'net', 'tcp'), ['head', ...rows, ''].join('\n'));
  await addProcess(10, 1, 100, 10);
  await addProcess(11, 10, 50, 5);
  await addProcess(12, 11, 25, 1);
  await addProcess(20, 1, 999, 999);
  await symlink('socket:[500]', path.join(proc, '10', 'fd', '3'));
  await symlink('socket:[501]', path.join(proc, '20', 'fd', '3'));
});
afterAll(() => rm(proc, { recursive: true, force: true }));

describe('the process behind a port', () => {
  it('is the one that listens, not one that is connected', async () => {
    expect(await findListener(proc, 18080)).toBe(10);
    expect(await findListener(proc, 18081)).toBeUndefined();
    expect(await findListener(path.join(proc, 'absent'), 18080)).toBeUndefined();
  });

  it('counts with its children', async () => {
    expect(await useOfTree(proc, 10)).toEqual({ rssBytes: 16 * 4096, cpuMs: 1750 });
    expect(await useOfTree(proc, 99)).toBeUndefined();
  });
});
