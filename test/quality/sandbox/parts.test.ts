import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseImage, dockerArguments } from '../../../src/quality/sandbox/docker.ts';
import { endingOf } from '../../../src/quality/sandbox/ending.ts';
import { guarded, shellQuoted } from '../../../src/quality/sandbox/launch.ts';
import { LineQueue } from '../../../src/quality/sandbox/line-queue.ts';
import { nodeCommand, permissionFlag } from '../../../src/quality/sandbox/node-command.ts';
import { groupMemoryMb, sumOfGroup } from '../../../src/quality/sandbox/process-group.ts';
import { sandboxExecTier, sandboxProfile } from '../../../src/quality/sandbox/sandbox-exec.ts';
import { unsafeTier } from '../../../src/quality/sandbox/unsafe.ts';

const job = {
  folder: '/data/aqe-llm-job-Ab12Cd',
  entry: 'main.js',
  memoryMb: 256,
  uid: 1000,
  gid: 100,
};

describe('the Node command', () => {
  it.each([
    ['20.19.0', '--experimental-permission'],
    ['22.12.0', '--experimental-permission'],
    ['22.13.0', '--permission'],
    ['23.4.0', '--experimental-permission'],
    ['23.5.0', '--permission'],
    ['24.0.0', '--permission'],
  ])('knows the permission flag of Node %s', (version, flag) => {
    expect(permissionFlag(version)).toBe(flag);
  });

  it('empties the environment and allows reading one folder', () => {
    const program = { folder: '/job', entry: 'main.js', memoryMb: 64 };
    expect(nodeCommand({ path: '/opt/node', version: '20.19.0' }, program)).toEqual([
      '/usr/bin/env',
      '-i',
      'TZ=UTC',
      '/opt/node',
      '--no-warnings',
      '--experimental-permission',
      '--allow-fs-read=/job',
      '--max-old-space-size=64',
      '/job/main.js',
    ]);
  });
});

// No Docker daemon and no macOS where these tests are written: their command lines are checked as data,
// and docker.test.ts runs Docker's through a script that speaks its command line.
describe('the Docker command', () => {
  it('encloses the program', () => {
    const line = dockerArguments({ reference: 'node:22-slim', nodeVersion: '22.14.0' }, job).join(
      ' ',
    );
    for (const part of [
      'run --rm',
      '--network none',
      '--read-only',
      '--memory 352m --memory-swap 352m',
      '--pids-limit 64',
      '--cap-drop ALL',
      '--security-opt no-new-privileges',
      '--pull never',
      '--user 1000:100',
      '--name aqe-llm-job-Ab12Cd',
      '--mount type=bind,source=/data/aqe-llm-job-Ab12Cd,target=/job,readonly',
      '--entrypoint /usr/bin/env ',
      ' node:22-slim -i TZ=UTC node --no-warnings --permission --allow-fs-read=/job',
    ]) {
      expect(line).toContain(part);
    }
  });

  it('chooses our own major version, else the newest', () => {
    const listing = [
      'node:24 ["PATH=/bin","NODE_VERSION=24.1.0"]',
      'node:20-slim ["NODE_VERSION=20.19.0"]',
      'node:18 ["NODE_VERSION=18.0.0"]',
      'node:odd {"no":"list"}',
      'node:broken [not json]',
      '',
    ].join('\n');
    expect(chooseImage(listing, '20.19.5')).toEqual({
      reference: 'node:20-slim',
      nodeVersion: '20.19.0',
    });
    expect(chooseImage(listing, '22.1.0')).toEqual({ reference: 'node:24', nodeVersion: '24.1.0' });
    expect(chooseImage('node:18 ["NODE_VERSION=18.0.0"]', '20.0.0')).toBeUndefined();
  });
});

describe('the macOS command', () => {
  it('hides files before it shows the job and Node', () => {
    const profile = sandboxProfile('/Users/me/no"de', '/private/tmp/job');
    for (const rule of ['(deny network*)', '(deny file-write*)', '(deny process-fork)'])
      expect(profile).toContain(rule);
    expect(profile.split('\n').at(-1)).toBe(
      '(allow file-read* (literal "/Users/me/no\\"de") (subpath "/private/tmp/job"))',
    );
  });

  it('watches memory, which the kernel there does not cap', () => {
    const node = { path: '/opt/node', version: '24.0.0' };
    const launch = sandboxExecTier('/usr/bin/sandbox-exec', node).launch(job);
    expect(launch.argv.slice(0, 2)).toEqual(['/usr/bin/sandbox-exec', '-p']);
    expect(launch.argv.slice(3)).toEqual(nodeCommand(node, job));
    expect(launch.memory).toEqual({ guard: 'watch', limitMb: 352 });
    expect(unsafeTier(node, 'darwin').launch(job).memory.guard).toBe('watch');
    expect(unsafeTier(node, 'linux').launch(job).memory.guard).toBe('kernel');
  });
});

describe('the shell around a launch', () => {
  it('reads quoted words back unchanged', () => {
    const word = fc.string().filter((text) => !text.includes('\0'));
    fc.assert(
      fc.property(word, (text) => {
        const script = `printf '%s.' ${shellQuoted(text)}`;
        expect(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })).toBe(`${text}.`);
      }),
      { numRuns: 30 },
    );
  });

  it('leaves limits to the tool when the tool has them', () => {
    const launch = { argv: ['/bin/true'], environment: {} };
    expect(guarded({ ...launch, memory: { guard: 'tool' } }, '/j').join(' ')).not.toContain(
      'ulimit',
    );
    expect(
      guarded({ ...launch, memory: { guard: 'kernel', limitMb: 2 } }, '/j').join(' '),
    ).toContain('ulimit -d 2048');
  });
});

describe('the ending', () => {
  it.each([
    [0, null, '', { reason: 'exited', code: 0 }],
    [3, null, 'x', { reason: 'exited', code: 3 }],
    [134, null, '', { reason: 'signal', signal: 'SIGABRT' }],
    [137, null, '', { reason: 'signal', signal: 'SIGKILL' }],
    [255, null, '', { reason: 'exited', code: 255 }],
    [null, 'SIGSEGV', '', { reason: 'signal', signal: 'SIGSEGV' }],
    [134, null, 'FATAL ERROR: JavaScript heap out of memory', { reason: 'memory' }],
    [1, null, 'RangeError: Array buffer allocation failed', { reason: 'memory' }],
    [0, null, 'out of memory', { reason: 'exited', code: 0 }],
  ])('of code %s, signal %s, stderr %j', (code, signal, stderr, ending) => {
    expect(endingOf(code, signal, stderr)).toEqual(ending);
  });
});

describe('lines', () => {
  it('are those of the whole text, however it is cut into chunks', () => {
    const texts = fc.array(fc.constantFrom('a', 'ü', '\n', '\r\n', '🙂', 'long'), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(texts, fc.array(fc.nat(200)), fc.boolean(), (parts, cuts, eager) => {
        const text = parts.join('');
        const bytes = Buffer.from(text);
        const queue = new LineQueue();
        const lines: string[] = [];
        const drain = () => {
          for (let line = queue.shift(); line !== undefined; line = queue.shift()) lines.push(line);
        };
        let from = 0;
        for (const to of [
          ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b),
          bytes.length,
        ]) {
          const chunk = bytes.subarray(from, to);
          expect(queue.push(chunk)).toBe(chunk.includes(10));
          if (eager) drain();
          from = to;
        }
        drain();
        expect([...lines, queue.rest()]).toEqual(text.split('\n'));
      }),
    );
  });
});

describe('the memory of a process group', () => {
  it('adds up its processes', () => {
    expect(sumOfGroup('   12  100\n  7 5\n 12 28\n\n', 12)).toBe(128);
  });

  it('is read from the system', async () => {
    const own = Number(
      execFileSync('/bin/ps', ['-o', 'pgid=', '-p', String(process.pid)], { encoding: 'utf8' }),
    );
    expect(await groupMemoryMb(own)).toBeGreaterThan(10);
    expect(await groupMemoryMb(-5)).toBe(0);
  });
});
