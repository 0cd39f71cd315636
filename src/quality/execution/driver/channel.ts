import { writeSync } from 'node:fs';
import type { DriverMessage } from './job.ts';

// Held from before any test runs: tests may replace what they find.
const write = writeSync;
const { stringify } = JSON;

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}

/** Writes messages that only the holder of the nonce can have written. */
export function openChannel(nonce: string): (message: DriverMessage) => void {
  return (message) => {
    // A test may have written half a line.
    let rest = Buffer.from(`\n${nonce} ${stringify(message)}\n`);
    while (rest.length > 0) {
      try {
        rest = rest.subarray(write(1, rest));
      } catch (error) {
        if (!isFull(error)) throw error;
      }
    }
  };
}
