import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Resident MiB of all processes of a group, by `ps` (every POSIX system has it); 0 when it cannot be read.
 */
export async function groupMemoryMb(group: number): Promise<number> {
  try {
    const { stdout } = await promisify(execFile)('/bin/ps', ['-A', '-o', 'pgid=,rss='], {
      env: {},
    });
    return sumOfGroup(stdout, group) / 1024;
  } catch {
    return 0;
  }
}

/** Adds up the second column (KiB) of the lines whose first column is the group. */
export function sumOfGroup(listing: string, group: number): number {
  return listing
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .reduce((sum, [pgid, rss = 0]) => (pgid === group ? sum + rss : sum), 0);
}
