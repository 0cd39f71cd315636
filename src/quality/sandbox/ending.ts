import { constants } from 'node:os';
import type { SandboxExit } from './sandbox.ts';

/** What V8 and Node print when memory ran out: heap, buffers, WebAssembly memory, native allocations. */
const outOfMemory =
  /\bout of memory\b|Array buffer allocation failed|could not allocate memory|Unable to grow instance memory|std::bad_alloc|\bENOMEM\b/i;

/** By number; where a number has two names (SIGABRT, SIGIOT) the usual one comes first in the list and stays. */
const signalNames = new Map<number, string>(
  Object.entries(constants.signals)
    .map(([name, number]): [number, string] => [number, name])
    .reverse(),
);

/**
 * How a program that we did not kill came to its end. Enclosing tools report a signal as code 128 + n, so such codes
 * count as signals in every tier. Memory that ran out is known by what Node says about it last.
 */
export function endingOf(code: number | null, signal: string | null, stderr: string): SandboxExit {
  if (code !== 0 && outOfMemory.test(stderr)) return { reason: 'memory' };
  if (signal !== null) return { reason: 'signal', signal };
  const ended = code ?? 0;
  const name = ended > 128 ? signalNames.get(ended - 128) : undefined;
  return name === undefined
    ? { reason: 'exited', code: ended }
    : { reason: 'signal', signal: name };
}
