import { execFileSync } from 'node:child_process';
import { chmod, copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import { bubblewrapCommand } from '../../../src/quality/sandbox/bubblewrap.ts';
import { openSandbox, unavailableHint } from '../../../src/quality/sandbox/open-sandbox.ts';
import { probeSandbox } from '../../../src/quality/sandbox/probe.ts';
import { limits, realDeps, runProgram, sandboxOfTier, temporaryFolder } from './machine.ts';

const folder = await temporaryFolder();
const jobs = path.join(folder.path, 'jobs');
beforeAll(() => mkdir(jobs));
afterAll(() => folder.remove());

describe('a machine without any sandbox', () => {
  const deps = { ...realDeps(jobs), environment: { PATH: '/nonexistent:relative' } };

  it('is refused with each reason and a hint', async () => {
    const probe = await probeSandbox(deps);
    expect(probe.found).toBeUndefined();
    expect(probe.tiers.map(({ tier, state }) => [tier, state])).toEqual([
      ['bubblewrap', 'unavailable'],
      ['namespaces', 'unavailable'],
      ['docker', 'unavailable'],
      ['sandbox-exec', 'unavailable'],
    ]);
    let thrown: unknown;
    try {
      openSandbox({ ...deps, platform: 'linux' }, probe, { allowUnsafe: false });
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(AppError);
    expect(thrown).toMatchObject({
      code: 'sandbox.unavailable',
      exitCode: 2,
      hint: unavailableHint('linux'),
    });
    expect(thrown).toHaveProperty(
      'problems',
      expect.arrayContaining([expect.objectContaining({ path: 'docker' })]),
    );
  });

  it('runs unsafely only when told to', async () => {
    const sandbox = openSandbox(deps, await probeSandbox(deps), { allowUnsafe: true });
    expect(sandbox.tier).toBe('unsafe');
    expect((await runProgram(sandbox, 'console.log(1)')).lines).toEqual(['1']);
  });

  it.each([
    [
      'linux',
      ['bubblewrap', 'apparmor_restrict_unprivileged_userns', 'docker pull', '--allow-unsafe-exec'],
    ],
    ['darwin', ['sandbox-exec', 'docker pull', '--allow-unsafe-exec']],
    ['win32', ['WSL']],
    ['freebsd', ['docker pull']],
  ] as const)('is told what to do on %s', (platform, words) => {
    for (const word of words) expect(unavailableHint(platform)).toContain(word);
  });

  it('refuses on Windows, whatever is allowed', async () => {
    const probe = await probeSandbox(deps);
    expect(() => openSandbox({ ...deps, platform: 'win32' }, probe, { allowUnsafe: true })).toThrow(
      AppError,
    );
  });
});

it.skipIf(process.platform === 'win32')(
  'goes down the ladder when a tool is there but does not work',
  async () => {
    const bin = path.join(folder.path, 'bin');
    await mkdir(bin);
    const tool = path.join(bin, 'bwrap');
    await writeFile(
      tool,
      '#!/bin/sh\necho "bwrap: setting up uid map: Permission denied" >&2\nexit 1\n',
    );
    await chmod(tool, 0o755);
    const { tiers } = await probeSandbox(
      {
        ...realDeps(jobs),
        platform: 'linux',
        environment: { PATH: `${bin}:${process.env['PATH'] ?? ''}` },
      },
      {},
    );
    expect(tiers[0]).toEqual({
      tier: 'bubblewrap',
      state: 'unavailable',
      reason: 'bwrap: setting up uid map: Permission denied',
    });
    expect(tiers[1]?.state).not.toBe('untried');

    // A tool that starts the program without enclosing it is no sandbox.
    await writeFile(tool, '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\nexec "$@"\n');
    const open = await probeSandbox(
      { ...realDeps(jobs), platform: 'linux', environment: { PATH: bin } },
      { tier: 'bubblewrap' },
    );
    expect(open.found).toBeUndefined();
  },
);

it('tries only until one works', async () => {
  const probe = await probeSandbox(realDeps(jobs));
  const first = probe.tiers.findIndex((report) => report.state === 'works');
  if (first >= 0)
    expect(probe.tiers.slice(first + 1).every((report) => report.state === 'untried')).toBe(true);
  expect(probe.tiers[first]?.tier).toBe(probe.found?.tier);
});

it('runs a Node that lies in a home folder, and shows nothing else of that folder', async () => {
  const probe = await probeSandbox(realDeps(jobs), { tier: 'bubblewrap' });
  if (probe.found === undefined) return;
  const home = path.join(folder.path, 'home');
  await mkdir(home);
  const node = path.join(home, 'node');
  await copyFile(process.execPath, node);
  await chmod(node, 0o755);
  await writeFile(path.join(home, 'secret'), '');
  const deps = { ...realDeps(jobs), node: { path: node, version: process.versions.node } };
  const own = await probeSandbox(deps, { tier: 'bubblewrap' });
  expect(own.tiers[0]).toEqual({ tier: 'bubblewrap', state: 'works' });
  const list = ['bwrap', ...bubblewrapCommand('', deps.node, jobs, ['/bin/ls', home]).slice(1)];
  expect(execFileSync('/usr/bin/env', list, { encoding: 'utf8' })).toBe('node\n');
});

it.each(['../up.js', '/etc/up.js', 'a//b.js', 'a/../../b.js', ''])(
  'refuses the file name %j',
  async (name) => {
    const sandbox = await sandboxOfTier('unsafe', jobs);
    const job = { files: { [name]: '' }, entry: name, stdin: '', limits };
    await expect(sandbox.run(job)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
      code: 'sandbox.job-invalid',
    });
    expect(await readdir(jobs)).toEqual([]);
  },
);

it('refuses an entry that is not there', async () => {
  const sandbox = await sandboxOfTier('unsafe', jobs);
  const job = { files: { 'a.js': '' }, entry: 'b.js', stdin: '', limits };
  await expect(sandbox.run(job)[Symbol.asyncIterator]().next()).rejects.toMatchObject({
    code: 'sandbox.job-invalid',
  });
});
