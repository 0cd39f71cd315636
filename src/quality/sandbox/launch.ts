import type { SandboxTier } from './sandbox.ts';

/** A job's folder on this machine and what to start in it. */
export interface PlacedJob {
  /** Absolute real path of the job folder; its last part is unique among running jobs. */
  folder: string;
  entry: string;
  memoryMb: number;
  /** Owner of the folder. */
  uid: number;
  gid: number;
}

/** How one job is started: everything a tier decides. */
export interface Launch {
  /** Absolute path of the enclosing tool, its arguments, and the program. */
  argv: readonly string[];
  /** Environment of the enclosing tool. The program never sees it. */
  environment: Readonly<Record<string, string>>;
  /**
   * What holds the memory: the kernel's limit on data (Linux), a look at resident memory every quarter of a
   * second (systems whose kernel does not enforce that limit), or the enclosing tool itself.
   */
  memory: { guard: 'kernel' | 'watch'; limitMb: number } | { guard: 'tool' };
  /** Command that ends a program living outside our process tree (a container). */
  stop?: readonly string[];
}

/** A rung of the ladder that works on this machine. */
export interface Tier {
  readonly tier: SandboxTier;
  launch(job: PlacedJob): Launch;
}

/**
 * MiB that Node needs beside the JavaScript heap (thread stacks, young generation, compiled code): measured at
 * 48 at start, the rest is room for the collector.
 */
const nodeOverheadMb = 96;

/** Most MiB of data a program may have whose heap may take `memoryMb`. */
export function processMemoryMb(memoryMb: number): number {
  return memoryMb + nodeOverheadMb;
}

/**
 * Wraps a launch in a small POSIX shell that sets limits and leaves a lifeline behind.
 *
 * The lifeline is a background reader of file descriptor 3, whose other end only our process holds. When we die,
 * even by SIGKILL, it reads the end of the file, kills the enclosing tool, stops the container if there is one,
 * removes the job folder and kills what is left of its process group. The program does not inherit the descriptor.
 */
export function guarded(launch: Launch, jobFolder: string): string[] {
  const limits =
    launch.memory.guard === 'tool'
      ? ''
      : // No core dumps, no regular files written (a tmpfs is memory, too), no more data than allowed.
        `ulimit -c 0; ulimit -f 0; ulimit -d ${launch.memory.limitMb * 1024} 2>/dev/null;`;
  const stop = launch.stop === undefined ? '' : `${launch.stop.map(shellQuoted).join(' ')};`;
  const script =
    `(read -r _ <&3; kill -KILL $$; ${stop} rm -rf -- ${shellQuoted(jobFolder)}; kill -KILL 0) >/dev/null 2>&1 & ` +
    `${limits} exec "$@" 3<&-`;
  return ['/bin/sh', '-c', script, 'sh', ...launch.argv];
}

/** A word as a POSIX shell reads it back unchanged. */
export function shellQuoted(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}
