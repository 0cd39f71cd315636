import type { Clock } from '../../core/clock.ts';
import type { NodeBinary } from './node-command.ts';

/** What the sandbox has to know of the machine; the composition root reads it from the process. */
export interface SandboxDeps {
  platform: NodeJS.Platform;
  /** The Node that runs the programs: ours (`process.execPath`, `process.versions.node`). */
  node: NodeBinary;
  /**
   * Our environment: `PATH` finds the tools, and Docker's client is given its own variables. Programs in the sandbox
   * see nothing of it.
   */
  environment: Readonly<Record<string, string | undefined>>;
  /** Where job folders are made (`os.tmpdir()`). */
  tmpDir: string;
  clock: Clock;
}
