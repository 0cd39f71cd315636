import { mkdtemp, readdir, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../src/core/clock.ts';
import { openSandbox } from '../../../src/quality/sandbox/open-sandbox.ts';
import { probeSandbox } from '../../../src/quality/sandbox/probe.ts';
import type { SandboxDeps } from '../../../src/quality/sandbox/sandbox-deps.ts';
import type {
  Sandbox,
  SandboxEvent,
  SandboxLimits,
  SandboxTier,
} from '../../../src/quality/sandbox/sandbox.ts';

const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

export function realDeps(tmpDir: string): SandboxDeps {
  return {
    platform: process.platform,
    node: { path: process.execPath, version: process.versions.node },
    environment: process.env,
    tmpDir,
    clock: realClock,
  };
}

/** A temporary folder, by its real path. */
export async function temporaryFolder(): Promise<{ path: string; remove(): Promise<void> }> {
  const folder = await realpath(await mkdtemp(path.join(tmpdir(), 'aqe-llm-test-')));
  return { path: folder, remove: () => rm(folder, { recursive: true, force: true }) };
}

/** Every tier that this machine has and tests can use, `unsafe` last, which each POSIX machine has. */
export async function usableTiers(): Promise<SandboxTier[]> {
  const folder = await temporaryFolder();
  const usable: SandboxTier[] = [];
  for (const tier of ['bubblewrap', 'namespaces', 'docker', 'sandbox-exec'] as const) {
    const probe = await probeSandbox(realDeps(folder.path), { tier });
    if (probe.found !== undefined) usable.push(tier);
  }
  await folder.remove();
  return [...usable, 'unsafe'];
}

export async function sandboxOfTier(tier: SandboxTier, tmpDir: string): Promise<Sandbox> {
  const deps = realDeps(tmpDir);
  return openSandbox(deps, await probeSandbox(deps, { tier }), { allowUnsafe: tier === 'unsafe' });
}

export const limits: SandboxLimits = {
  idleMs: 15_000,
  wallMs: 20_000,
  memoryMb: 128,
  outputBytes: 1 << 20,
};

export interface Outcome {
  lines: string[];
  exit: Extract<SandboxEvent, { type: 'exit' }>;
}

/** Runs one program to its end. */
export async function runProgram(
  sandbox: Sandbox,
  source: string,
  options: { stdin?: string; limits?: Partial<SandboxLimits>; signal?: AbortSignal } = {},
): Promise<Outcome> {
  const job = {
    files: { 'main.js': source },
    entry: 'main.js',
    stdin: options.stdin ?? '',
    limits: { ...limits, ...options.limits },
  };
  const lines: string[] = [];
  for await (const event of sandbox.run(job, options.signal)) {
    if (event.type === 'exit') return { lines, exit: event };
    lines.push(event.line);
  }
  throw new Error('no exit event');
}

/** Command lines of live processes that mention a text (Linux). */
export async function processesMentioning(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const commands = await Promise.all(
    pids.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')),
  );
  return commands.filter((command) => command.includes(text));
}

/** Waits until a condition holds; the test's own timeout ends the wait. */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await sleep(20);
}
