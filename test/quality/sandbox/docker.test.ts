import { chmod, mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSandbox } from '../../../src/quality/sandbox/open-sandbox.ts';
import { probeSandbox } from '../../../src/quality/sandbox/probe.ts';
import type { Sandbox } from '../../../src/quality/sandbox/sandbox.ts';
import type { SandboxDeps } from '../../../src/quality/sandbox/sandbox-deps.ts';
import {
  limits,
  processesMentioning,
  realDeps,
  runProgram,
  temporaryFolder,
  until,
} from './machine.ts';

/**
 * Speaks as much of Docker's command line as is used, without containers: `run` starts the program in the mounted
 * folder (enclosed by namespaces, so that the probe finds no leak), `rm --force` kills by name. It logs its calls.
 */
const fakeDocker = (folder: string) => `#!/bin/sh
echo "$@" >> '${folder}/calls'
case "$1 $2" in
  'image ls') echo abc123 ;;
  'image inspect') echo 'node:20-slim ["PATH=/bin","NODE_VERSION=${process.versions.node}"]' ;;
  'rm --force') kill -KILL "$(cat "${folder}/$3.pid")" ;;
  'run --rm')
    while [ "$1" != node:20-slim ]; do
      case "$1" in
        --name) name=$2 ;;
        --mount) mounted=\${2#*source=}; mounted=\${mounted%%,*} ;;
      esac
      shift
    done
    # image -i TZ=UTC node --no-warnings <permission> --allow-fs-read=/job <heap> /job/<entry>
    shift 4
    # A container is not in its client's process group, nor does it die with it.
    setsid sh -c 'echo $$ > "$0"; cd "$1"; shift; exec "$@"' "${folder}/$name.pid" "$mounted" \\
      unshare -Urn --pid --fork --kill-child --mount-proc \\
      env -i TZ=UTC '${process.execPath}' --no-warnings "$2" --allow-fs-read="$mounted" "$4" "$mounted/\${5#/job/}" ;;
esac
`;

const folder = await temporaryFolder();
const bin = path.join(folder.path, 'bin');
const jobs = path.join(folder.path, 'jobs');
const deps: SandboxDeps = {
  ...realDeps(jobs),
  environment: {
    PATH: `${bin}:${process.env['PATH'] ?? ''}`,
    DOCKER_HOST: 'unix:///nowhere',
    SECRET: 'x',
  },
};

beforeAll(async () => {
  await mkdir(bin);
  await mkdir(jobs);
  await writeFile(path.join(bin, 'docker'), fakeDocker(folder.path));
  await chmod(path.join(bin, 'docker'), 0o755);
});
afterAll(() => folder.remove());

const namespacesWork =
  (await probeSandbox(realDeps(folder.path), { tier: 'namespaces' })).found !== undefined;

describe.skipIf(!namespacesWork)('the Docker tier', () => {
  const open = async (): Promise<Sandbox> => {
    const probe = await probeSandbox(deps, { tier: 'docker' });
    expect(probe.tiers.find((report) => report.tier === 'docker')).toEqual({
      tier: 'docker',
      state: 'works',
    });
    return openSandbox(deps, probe, { allowUnsafe: false });
  };

  it('finds a local image and runs programs in it', async () => {
    const outcome = await runProgram(
      await open(),
      "console.log(require('fs').readFileSync(0, 'utf8'))",
      {
        stdin: 'input',
      },
    );
    expect(outcome).toMatchObject({
      lines: ['input'],
      exit: { state: { reason: 'exited', code: 0 } },
    });
    expect(await readFile(path.join(folder.path, 'calls'), 'utf8')).not.toMatch(/^pull/m);
  });

  it('removes the container of a program that it kills', async () => {
    const sandbox = await open();
    const job = {
      files: { 'a.js': "console.log('up'); for (;;);" },
      entry: 'a.js',
      stdin: '',
      limits,
    };
    for await (const event of sandbox.run(job)) {
      expect(event).toEqual({ type: 'line', line: 'up' });
      break;
    }
    expect(await readFile(path.join(folder.path, 'calls'), 'utf8')).toMatch(
      /^rm --force aqe-llm-job-\w+$/m,
    );
    expect(await readdir(jobs)).toEqual([]);
    await until(async () => (await processesMentioning(jobs)).length === 0);
  });
});

it('says why Docker is no help: no image', async () => {
  await writeFile(path.join(bin, 'docker'), '#!/bin/sh\nexit 0\n');
  const { tiers, found } = await probeSandbox(deps, { tier: 'docker' });
  expect(found).toBeUndefined();
  expect(tiers.find((report) => report.tier === 'docker')).toMatchObject({
    state: 'unavailable',
    reason: 'no local image of node 20 or later',
  });
});

it('says why Docker is no help: no daemon', async () => {
  await writeFile(
    path.join(bin, 'docker'),
    '#!/bin/sh\necho "Cannot connect to the Docker daemon" >&2\nexit 1\n',
  );
  const { tiers } = await probeSandbox(deps, { tier: 'docker' });
  expect(tiers.find((report) => report.tier === 'docker')).toMatchObject({
    reason: 'Cannot connect to the Docker daemon',
  });
});
