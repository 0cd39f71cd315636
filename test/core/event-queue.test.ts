import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createEventQueue } from '../../src/core/event-queue.ts';

describe('the event queue', () => {
  it('gives every event in order, however writing and reading interleave', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 3 })), async (bursts) => {
        const queue = createEventQueue<number>();
        const read: number[] = [];
        const reader = (async () => {
          for await (const event of queue) {
            read.push(event);
            if (event % 3 === 0) await turn();
          }
        })();
        let written = 0;
        for (const burst of bursts) {
          for (let count = 0; count < burst; count += 1) {
            queue.push(written);
            written += 1;
          }
          await turn();
        }
        queue.close();
        await reader;
        expect(read).toEqual([...Array(written).keys()]);
      }),
      { numRuns: 50 },
    );
  });

  it('throws after what came before the failure', async () => {
    const queue = createEventQueue<string>();
    queue.push('before');
    queue.fail(new Error('broken'));
    const reader = queue[Symbol.asyncIterator]();
    expect(await reader.next()).toEqual({ done: false, value: 'before' });
    await expect(reader.next()).rejects.toThrow('broken');
  });
});
