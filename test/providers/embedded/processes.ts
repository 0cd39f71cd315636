import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../../../src/core/clock.ts';

/** The time of the machine that runs the tests. */
export const machineClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

/** Process ids of the engines that a process started. */
export function enginesOf(parent: number): number[] {
  const table = execFileSync('ps', ['-axo', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return table
    .split('\n')
    .map((line) => /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line))
    .filter((row) => row !== null && Number(row[2]) === parent && /engine/.test(row[3] ?? ''))
    .map((row) => Number(row?.[1]));
}

/** The id of the one engine that a process has. */
export function engineOf(parent: number): number {
  const [engine, ...others] = enginesOf(parent);
  if (engine === undefined || others.length > 0) {
    throw new Error(`Expected one engine below ${parent}, found ${engine} ${others.join(' ')}`);
  }
  return engine;
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Waits until something is so; fails after half a minute. */
export async function until(what: string, isSo: () => boolean): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (isSo()) return;
    await sleep(50);
  }
  throw new Error(`Waited in vain until ${what}`);
}
