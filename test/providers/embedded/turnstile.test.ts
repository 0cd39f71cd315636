import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTurnstile } from '../../../src/providers/embedded/turnstile.ts';

describe('the turnstile', () => {
  it('lets in one at a time, in order, and forgets who gave up', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.boolean(), { maxLength: 12 }), async (givesUp) => {
        const turnstile = createTurnstile();
        const leaveFirst = await turnstile.enter();
        const entered: number[] = [];
        let inside = 1;
        const visits = givesUp.map(async (gone, index) => {
          const abort = new AbortController();
          const visit = turnstile.enter(abort.signal).then(async (leave) => {
            inside += 1;
            expect(inside).toBe(1);
            entered.push(index);
            await Promise.resolve();
            inside -= 1;
            leave();
            return 'entered';
          });
          if (gone) abort.abort(new Error('gave up'));
          return visit.catch(() => 'gave up');
        });
        inside -= 1;
        leaveFirst();
        expect(await Promise.all(visits)).toEqual(
          givesUp.map((gone) => (gone ? 'gave up' : 'entered')),
        );
        expect(entered).toEqual([...givesUp.keys()].filter((index) => givesUp[index] === false));
        // Free again for whoever comes next.
        await turnstile.enter();
      }),
    );
  });

  it('turns away whoever comes with an aborted signal', async () => {
    const turnstile = createTurnstile();
    await expect(turnstile.enter(AbortSignal.abort(new Error('too late')))).rejects.toThrow(
      'too late',
    );
    await turnstile.enter();
  });
});
