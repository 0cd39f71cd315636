/** A Node binary and its version (`20.19.0`), as `process.execPath` and `process.versions.node` give them. */
export interface NodeBinary {
  path: string;
  version: string;
}

/** The program to start, in paths as the program itself sees them. */
export interface NodeProgram {
  /** The job folder. */
  folder: string;
  /** File name inside the folder. */
  entry: string;
  /** Most MiB of the JavaScript heap. */
  memoryMb: number;
}

/** Node's flag for its permission model: it left its experimental name in 22.13 and 23.5. */
export function permissionFlag(nodeVersion: string): '--permission' | '--experimental-permission' {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const stable = major >= 24 || (major === 23 && minor >= 5) || (major === 22 && minor >= 13);
  return stable ? '--permission' : '--experimental-permission';
}

/**
 * The command that starts a program with nothing in its environment but the time zone, and with Node's own
 * permission model on top of whatever encloses it: reading is allowed inside the job folder only; writing,
 * child processes, workers, native addons and WASI are denied.
 */
export function nodeCommand(node: NodeBinary, program: NodeProgram): string[] {
  return [
    '/usr/bin/env',
    '-i',
    'TZ=UTC',
    node.path,
    '--no-warnings',
    permissionFlag(node.version),
    `--allow-fs-read=${program.folder}`,
    `--max-old-space-size=${program.memoryMb}`,
    `${program.folder}/${program.entry}`,
  ];
}
