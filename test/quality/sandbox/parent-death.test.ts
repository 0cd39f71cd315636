import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { compiledEntry } from '../../../src/core/compiled-entry.ts';
import { processesMentioning, temporaryFolder, until, usableTiers } from './machine.ts';

const tiers = await usableTiers();
const sandboxFolder = new URL('../../../src/quality/sandbox/', import.meta.url).href;

/** A process of ours that runs an endless program and says when it is up. */
const parentProgram = `
  import { setTimeout as sleep } from 'node:timers/promises';
  import { openSandbox } from '${compiledEntry(sandboxFolder, './open-sandbox.js').href}';
  import { probeSandbox } from '${compiledEntry(sandboxFolder, './probe.js').href}';
  const [tier, tmpDir] = process.argv.slice(2);
  const clock = {
    now: () => Date.now(),
    monotonic: () => performance.now(),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }),
  };
  const node = { path: process.execPath, version: process.versions.node };
  const deps = { platform: process.platform, node, environment: process.env, tmpDir, clock };
  const sandbox = openSandbox(deps, await probeSandbox(deps, { tier }), { allowUnsafe: tier === 'unsafe' });
  const job = {
    files: { 'main.js': "console.log('up'); for (;;);" },
    entry: 'main.js',
    stdin: '',
    limits: { idleMs: 600000, wallMs: 600000, memoryMb: 128, outputBytes: 1000 },
  };
  for await (const event of sandbox.run(job)) console.log(JSON.stringify(event));
`;

describe.skipIf(process.platform !== 'linux').each(tiers)(
  'tier %s, when our process is killed',
  (tier) => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>;
    beforeAll(async () => {
      folder = await temporaryFolder();
    });
    afterAll(() => folder.remove());

    it('leaves no process and no folder', async () => {
      const jobs = path.join(folder.path, 'jobs');
      const parentFile = path.join(folder.path, 'parent.mjs');
      await mkdir(jobs);
      await writeFile(parentFile, parentProgram);
      const parent = spawn(process.execPath, [parentFile, tier, jobs], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [line] = await once(createInterface({ input: parent.stdout }), 'line');
      expect(line).toBe('{"type":"line","line":"up"}');
      expect(await processesMentioning('aqe-llm-job-')).not.toEqual([]);
      parent.kill('SIGKILL');
      await once(parent, 'exit');
      await until(async () => (await processesMentioning(jobs)).length === 0);
      await until(async () => (await readdir(jobs)).length === 0);
    });
  },
);
