import { execFile } from 'node:child_process';
import type { ServerMachine } from '../config/server-models.ts';
import type { Hardware } from './hardware.ts';
import type { Environment } from './model-folder.ts';

const TIMEOUT_MS = 5_000;
const MIB = 2 ** 20;

/** What a GPU has of its own; one that shares the machine's memory is none. */
export interface Gpu {
  name: string;
  vramBytes: number;
}

/** NVIDIA's GPUs as their driver's tool lists them; none where there is no such tool. */
export function readGpus(env: Environment): Promise<Gpu[]> {
  const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'];
  return new Promise((resolve) => {
    execFile(
      'nvidia-smi',
      query,
      { timeout: TIMEOUT_MS, env: { PATH: env['PATH'], SystemRoot: env['SystemRoot'] } },
      (error, stdout) => resolve(error === null ? parseGpus(stdout) : []),
    );
  });
}

/** @param text lines of `name, total memory in MiB`; a GPU that does not say its memory is left out */
function parseGpus(text: string): Gpu[] {
  return text.split('\n').flatMap((line) => {
    const [, name, mib] = /^\s*(.+?)\s*,\s*(\d+)\s*$/.exec(line) ?? [];
    return name === undefined ? [] : [{ name, vramBytes: Number(mib) * MIB }];
  });
}

/** What a model server on this machine could give a model. */
export function machineOf({ memory }: Hardware, gpus: readonly Gpu[]): ServerMachine {
  const vramBytes = gpus.reduce((sum, gpu) => sum + gpu.vramBytes, 0);
  return { memoryBytes: memory.availableBytes, ...(vramBytes > 0 ? { vramBytes } : {}) };
}
