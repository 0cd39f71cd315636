import type { Clock } from '../../core/clock.ts';
import { AppError } from '../../core/errors.ts';
import { EnclosedProcess } from './enclosed-process.ts';
import { createJobFolder } from './job-folder.ts';
import type { Tier } from './launch.ts';
import type { SandboxProbe } from './probe.ts';
import type { Sandbox, SandboxEvent, SandboxJob } from './sandbox.ts';
import type { SandboxDeps } from './sandbox-deps.ts';
import { unsafeTier } from './unsafe.ts';

export interface OpenSandboxOptions {
  /** Without a working tier, run with Node's permission model alone instead of refusing. */
  allowUnsafe: boolean;
}

/**
 * The sandbox of the tier that the probe found.
 * @throws AppError `sandbox.unavailable` when none works and `allowUnsafe` is not given; each tier's reason is among
 * its problems, and the hint says how to get one on this platform
 */
export function openSandbox(
  deps: SandboxDeps,
  probe: SandboxProbe,
  options: OpenSandboxOptions,
): Sandbox {
  if (probe.found !== undefined) return sandboxOf(probe.found, deps.tmpDir, deps.clock);
  if (options.allowUnsafe && deps.platform !== 'win32') {
    return sandboxOf(unsafeTier(deps.node, deps.platform), deps.tmpDir, deps.clock);
  }
  throw new AppError(
    'sandbox.unavailable',
    'No sandbox works on this machine, so no generated code is run.',
    {
      hint: unavailableHint(deps.platform),
      problems: probe.tiers.flatMap((report) =>
        report.state === 'unavailable' ? [{ path: report.tier, message: report.reason }] : [],
      ),
    },
  );
}

/** Runs jobs on one tier: each in a folder of its own, which is gone when the job has ended. */
export function sandboxOf(tier: Tier, tmpDir: string, clock: Clock): Sandbox {
  async function* run(
    job: SandboxJob,
    signal?: AbortSignal,
  ): AsyncGenerator<SandboxEvent, void, undefined> {
    const folder = await createJobFolder(tmpDir, job.files, job.entry);
    try {
      // Before anything is started; from here to the listener there is no wait.
      if (signal?.aborted === true) {
        yield { type: 'exit', state: { reason: 'aborted' }, stderr: '' };
        return;
      }
      const { memoryMb } = job.limits;
      const launch = tier.launch({ ...folder, folder: folder.path, entry: job.entry, memoryMb });
      const enclosed = new EnclosedProcess({ ...job, launch, folder: folder.path }, clock);
      const abort = () => enclosed.kill('aborted');
      signal?.addEventListener('abort', abort, { once: true });
      try {
        yield* enclosed.events();
      } finally {
        signal?.removeEventListener('abort', abort);
        await enclosed.close();
      }
    } finally {
      await folder.remove();
    }
  }
  return { tier: tier.tier, run };
}

const unsafeHint =
  'If you trust the code that will run, --allow-unsafe-exec runs it without a sandbox.';
const dockerHint = 'start Docker and pull a Node image: docker pull node:22-slim';

/** What a user can do on a platform to get a sandbox. */
export function unavailableHint(platform: NodeJS.Platform): string {
  switch (platform) {
    case 'linux':
      return (
        'Install bubblewrap (apt install bubblewrap, dnf install bubblewrap, apk add bubblewrap). ' +
        'If it is installed, the system forbids user namespaces: on Ubuntu 24.04 allow them with ' +
        'sudo sysctl -w kernel.apparmor_restrict_unprivileged_userns=0; elsewhere look at ' +
        `kernel.unprivileged_userns_clone and user.max_user_namespaces. Or ${dockerHint}. ${unsafeHint}`
      );
    case 'darwin':
      return `macOS's sandbox-exec did not work; ${dockerHint}. ${unsafeHint}`;
    case 'win32':
      return 'Run aqe-llm inside WSL 2 with bubblewrap installed; Windows itself has no sandbox that it can use.';
    default:
      return `Install bubblewrap if your system has it, or ${dockerHint}. ${unsafeHint}`;
  }
}
