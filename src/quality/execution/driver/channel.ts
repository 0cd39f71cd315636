import { writeSync } from 'node:fs';
import type { DriverMessage } from './job.ts';
import type { RerunMessage } from './rerun-job.ts';

// Held from before any test runs: tests may replace what they find.
const write = writeSync;
const { stringify } = JSON;
const toBytes = Buffer.from.bind(Buffer);

function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EAGAIN';
}

/** Writes messages that only the holder of the nonce can have written. */
export function openChannel(nonce: string): (message: DriverMessage | RerunMessage) => void {
  return (message) => {
    // A test may have written half a line.
    const bytes = toBytes(`\n${nonce} ${stringify(message)}\n`, 'utf8');
    const { length } = bytes;
    for (let at = 0; at < length;) {
      try {
        at += write(1, bytes, at);
      } catch (error) {
        if (!isFull(error)) throw error;
      }
    }
  };
}
