export type SandboxTier = 'bubblewrap' | 'namespaces' | 'docker' | 'sandbox-exec' | 'unsafe';

export interface SandboxLimits {
  /** Wall-clock milliseconds without a line of output before the process group is killed. */
  idleMs: number;
  /** The same before the first line, where a busy machine may take longer to start it; else `idleMs`. */
  startMs?: number;
  /** Wall-clock milliseconds in all before the process group is killed. */
  wallMs: number;
  /** MiB of JavaScript heap; the process may use a little more than that in all. */
  memoryMb: number;
  /** Bytes of standard output and of standard error; more kills the process group. */
  outputBytes: number;
}

export interface SandboxJob {
  /** Files by name, readable by the program and nobody else's; the program is started in their folder. */
  files: Readonly<Record<string, string>>;
  /** The file of `files` that Node runs (CommonJS). */
  entry: string;
  /** What the program reads on its standard input. */
  stdin: string;
  limits: SandboxLimits;
}

export type SandboxEvent =
  | { type: 'line'; line: string }
  | { type: 'exit'; state: SandboxExit; stderr: string };

export type SandboxExit =
  | { reason: 'exited'; code: number }
  /** The kernel or the program itself ended it with a signal; exit codes 128 + n count as signal n in every tier. */
  | { reason: 'signal'; signal: string }
  | { reason: 'idle' | 'wall' | 'memory' | 'output' | 'aborted' };

/** Runs untrusted programs: no network, no secrets, nothing to write to, bounded in time, memory and output. */
export interface Sandbox {
  readonly tier: SandboxTier;
  /** Starts the program and yields each line of its standard output, then one `exit`. Leaving the loop kills it. */
  run(job: SandboxJob, signal?: AbortSignal): AsyncIterable<SandboxEvent>;
}
