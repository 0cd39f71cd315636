import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bubblewrapCommand } from '../../../src/quality/sandbox/bubblewrap.ts';
import { namespacesCommand } from '../../../src/quality/sandbox/namespaces.ts';
import { temporaryFolder, usableTiers } from './machine.ts';

/** What the operating system's walls hold by themselves, should a program get around Node's permission model. */
const tiers = await usableTiers();
const folder = await temporaryFolder();
const jobFolder = path.join(folder.path, 'job');
const node = { path: process.execPath, version: process.versions.node };

beforeAll(async () => {
  await mkdir(jobFolder);
  await writeFile(path.join(jobFolder, 'input'), 'input');
  await writeFile(path.join(folder.path, 'secret'), 'secret');
});
afterAll(() => folder.remove());

/** Runs a shell script in the enclosure, without Node. */
async function shell(command: readonly string[]): Promise<string> {
  const [tool = '', ...args] = command;
  const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C' };
  return (await promisify(execFile)(tool, args, { env, cwd: jobFolder })).stdout.trim();
}

describe.skipIf(!tiers.includes('bubblewrap'))('bubblewrap alone', () => {
  const inside = (script: string) =>
    shell([
      '/usr/bin/env',
      ...bubblewrapCommand('bwrap', node, jobFolder, ['/bin/sh', '-c', script]),
    ]);

  it('shows the job, and no homes, secrets, settings or state', async () => {
    expect(await inside('cat input; pwd')).toBe('input/job');
    const places = `${folder.path}/secret /home /root /var /run /etc/passwd /etc/hostname`;
    expect(
      await inside(`for place in ${places}; do [ -e $place ] && echo $place; done; true`),
    ).toBe('');
  });

  it('lets nothing be written but its own empty /tmp', async () => {
    const script =
      'for f in /job/x /x /usr/x /dev/x; do (echo > $f) 2>/dev/null && echo $f; done; ls -A /tmp';
    expect((await inside(script)).replace('/dev/x', '').trim()).toBe('');
    expect(await readdir(jobFolder)).toEqual(['input']);
  });

  it('has no capability and no network device but its own loopback', async () => {
    expect(await inside('grep -E "^Cap(Eff|Prm|Bnd)" /proc/self/status | cut -f2 | sort -u')).toBe(
      '0000000000000000',
    );
    expect(await inside('tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "')).toBe('lo');
  });

  it('shows no process of ours and no environment', async () => {
    expect(
      await inside(
        `[ -e /proc/${process.pid} ] && tr '\\0' ' ' < /proc/${process.pid}/cmdline; true`,
      ),
    ).not.toContain('vitest');
    expect(await inside('env | grep -v -e ^PWD= -e ^_= -e ^SHLVL=; true')).toBe('');
  });
});

describe.skipIf(!tiers.includes('namespaces'))('namespaces alone', () => {
  const inside = (script: string) =>
    shell(['/usr/bin/env', ...namespacesCommand('unshare', 'full', ['/bin/sh', '-c', script])]);

  it('has no network device but a loopback that is down', async () => {
    expect(await inside('tail -n +3 /proc/net/dev | cut -d: -f1 | tr -d " "')).toBe('lo');
  });

  it('shows no process of ours', async () => {
    const count = Number(await inside('ls -d /proc/[0-9]* | wc -l'));
    expect(count).toBeLessThan(8);
  });

  it('keeps the remarks of its first process off the output', async () => {
    const [tool = '', ...args] = namespacesCommand('unshare', 'full', [
      '/bin/sh',
      '-c',
      'kill -SEGV $$',
    ]);
    const ended: unknown = await promisify(execFile)(tool, args).catch((error: unknown) => error);
    expect(ended).toMatchObject({ code: 139, stderr: '' });
  });
});
