import { execFile } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import path from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { messageOf } from '../../core/errors.ts';
import { bubblewrapTier } from './bubblewrap.ts';
import { chooseImage, dockerTier, inspectImagesArguments, listImagesArguments } from './docker.ts';
import type { Tier } from './launch.ts';
import { namespacesTier } from './namespaces.ts';
import { sandboxOf } from './open-sandbox.ts';
import { probeProgram } from './probe-program.ts';
import type { SandboxTier } from './sandbox.ts';
import type { SandboxDeps } from './sandbox-deps.ts';
import { sandboxExecTier } from './sandbox-exec.ts';

type TierReport =
  | { tier: SandboxTier; state: 'works' }
  | { tier: SandboxTier; state: 'unavailable'; reason: string }
  /** An earlier tier works, or another one was asked for. */
  | { tier: SandboxTier; state: 'untried' };

export interface SandboxProbe {
  /** The first tier that works. */
  found: Tier | undefined;
  /** Every tier in order of preference, `unsafe` left out. */
  tiers: TierReport[];
}

export interface ProbeOptions {
  /** Try this tier alone. */
  tier?: SandboxTier;
}

const ladder = ['bubblewrap', 'namespaces', 'docker', 'sandbox-exec'] as const;
type Rung = (typeof ladder)[number];

/**
 * Tries the tiers in order until one works. A tier works when a small program starts in it and fails at everything
 * it must fail at: reading the environment or a file outside, writing, and reaching a server of ours.
 */
export async function probeSandbox(
  deps: SandboxDeps,
  options: ProbeOptions = {},
): Promise<SandboxProbe> {
  const node = { ...deps.node, path: await realpath(deps.node.path) };
  const probe: SandboxProbe = { found: undefined, tiers: [] };
  for (const tier of ladder) {
    const wanted = options.tier === undefined || options.tier === tier;
    if (!wanted || probe.found !== undefined) {
      probe.tiers.push({ tier, state: 'untried' });
      continue;
    }
    const tried = await tryRung(tier, { ...deps, node });
    probe.tiers.push(
      tried.state === 'works'
        ? { tier, state: 'works' }
        : { tier, state: 'unavailable', reason: tried.reason },
    );
    if (tried.state === 'works') probe.found = tried.tier;
  }
  return probe;
}

type Tried = { state: 'works'; tier: Tier } | { state: 'unavailable'; reason: string };

async function tryRung(rung: Rung, deps: SandboxDeps): Promise<Tried> {
  const reasons: string[] = [];
  try {
    for (const tier of await candidates(rung, deps)) {
      const reason = await whyNot(tier, deps);
      if (reason === undefined) return { state: 'works', tier };
      reasons.push(reason);
    }
  } catch (error) {
    // A failed command's message has the command first and what it complained of last.
    reasons.push(messageOf(error).trim().split('\n').at(-1) ?? '');
  }
  return { state: 'unavailable', reason: reasons.join('; ') };
}

/** The ways to climb a rung, best first. Throws with the reason when there is none. */
async function candidates(rung: Rung, deps: SandboxDeps): Promise<Tier[]> {
  switch (rung) {
    case 'bubblewrap':
      requirePlatform(deps, 'linux');
      return [bubblewrapTier(await requireTool(deps, 'bwrap'), deps.node)];
    case 'namespaces': {
      requirePlatform(deps, 'linux');
      const unshare = await requireTool(deps, 'unshare');
      return [
        namespacesTier(unshare, deps.node, 'full'),
        namespacesTier(unshare, deps.node, 'bare'),
      ];
    }
    case 'docker':
      return [await localImageTier(deps)];
    case 'sandbox-exec':
      requirePlatform(deps, 'darwin');
      return [sandboxExecTier(await requireTool(deps, 'sandbox-exec'), deps.node)];
  }
}

function requirePlatform(deps: SandboxDeps, platform: NodeJS.Platform): void {
  if (deps.platform !== platform) throw new Error(`${platform} only`);
}

/** Absolute path of a program on `PATH`. */
async function requireTool(deps: SandboxDeps, name: string): Promise<string> {
  for (const folder of (deps.environment['PATH'] ?? '').split(path.delimiter)) {
    // A relative entry would find whatever lies in the folder we were started in.
    if (!path.isAbsolute(folder)) continue;
    const candidate = path.join(folder, name);
    if (await isExecutable(candidate)) return candidate;
  }
  throw new Error(`${name} is not installed`);
}

async function isExecutable(file: string): Promise<boolean> {
  try {
    await access(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function localImageTier(deps: SandboxDeps): Promise<Tier> {
  if (deps.platform === 'win32') throw new Error('not supported on win32');
  const docker = await requireTool(deps, 'docker');
  const environment = dockerEnvironment(deps.environment);
  const ask = async (args: readonly string[]): Promise<string> =>
    (
      await promisify(execFile)(docker, args, {
        env: environment,
        timeout: 10_000,
        killSignal: 'SIGKILL',
      })
    ).stdout;
  const ids = (await ask(listImagesArguments)).split('\n').filter((id) => id !== '');
  const image =
    ids.length === 0
      ? undefined
      : chooseImage(await ask(inspectImagesArguments(ids)), deps.node.version);
  if (image === undefined) throw new Error('no local image of node 20 or later');
  return dockerTier(docker, image, environment);
}

/** What Docker's client needs to find its daemon, and nothing else of our environment. */
function dockerEnvironment(environment: SandboxDeps['environment']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value !== undefined &&
      (name.startsWith('DOCKER_') || ['PATH', 'HOME', 'XDG_RUNTIME_DIR'].includes(name))
        ? [[name, value]]
        : [],
    ),
  );
}

const probeLimits = { idleMs: 20_000, wallMs: 20_000, memoryMb: 128, outputBytes: 65_536 };
const probeAnswer = z.object({ leaks: z.array(z.string()) });

/** Runs the probing program; undefined when the tier holds. */
async function whyNot(tier: Tier, deps: SandboxDeps): Promise<string | undefined> {
  const outside = await realpath(await mkdtemp(path.join(deps.tmpDir, 'aqe-llm-probe-')));
  const server = createServer((socket) => socket.destroy());
  try {
    await writeFile(path.join(outside, 'secret'), 'secret', { mode: 0o600 });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    const address = server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const job = {
      files: { 'probe.js': probeProgram },
      entry: 'probe.js',
      stdin: JSON.stringify({ outside, port }),
      limits: probeLimits,
    };
    let answer = '';
    for await (const event of sandboxOf(tier, deps.tmpDir, deps.clock).run(job)) {
      if (event.type === 'line') answer = event.line;
      else if (answer === '')
        return firstLine(event.stderr) ?? `the program did not start (${event.state.reason})`;
    }
    const { leaks } = probeAnswer.parse(JSON.parse(answer));
    return leaks.length === 0 ? undefined : `the program could ${leaks.join(', ')}`;
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    await rm(outside, { recursive: true, force: true });
  }
}

function firstLine(text: string): string | undefined {
  return text.split('\n').find((line) => line.trim() !== '');
}
