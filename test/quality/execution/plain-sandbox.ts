import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Sandbox, SandboxExit } from '../../../src/quality/sandbox/sandbox.ts';

/**
 * A sandbox that encloses nothing: for running the tests' own fixtures.
 * @param most shorter limits than asked for, so that what hangs is ended sooner
 */
export function plainSandbox(most: { idleMs: number } = { idleMs: Infinity }): Sandbox {
  return {
    tier: 'unsafe',
    async *run({ files, entry, stdin, limits }) {
      const folder = await mkdtemp(join(tmpdir(), 'plain-sandbox-'));
      for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
      const child = spawn(process.execPath, [join(folder, entry)], { cwd: folder, env: {} });
      let reason: 'idle' | undefined;
      const idle = setTimeout(
        () => {
          reason = 'idle';
          child.kill('SIGKILL');
        },
        Math.min(limits.idleMs, most.idleMs),
      );
      let stderr = '';
      child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
      const ended = new Promise<SandboxExit>((resolve) => {
        child.once('close', (code, signal) => {
          if (reason) resolve({ reason });
          else if (signal) resolve({ reason: 'signal', signal });
          else resolve({ reason: 'exited', code: code ?? 0 });
        });
      });
      child.stdin.end(stdin);
      try {
        for await (const line of createInterface({ input: child.stdout })) {
          idle.refresh();
          yield { type: 'line', line };
        }
        yield { type: 'exit', state: await ended, stderr };
      } finally {
        clearTimeout(idle);
        child.kill('SIGKILL');
        await ended;
        await rm(folder, { recursive: true, force: true });
      }
    },
  };
}
