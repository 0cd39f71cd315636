import type { Clock } from '../core/clock.ts';

/** Time as the machine has it. */
export const SYSTEM_CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // Node's own makes an error with a stack for each sleep that is cut short, and most deadlines are.
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const cut = (): void => {
        clearTimeout(timer);
        reject(signal?.reason);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', cut);
        resolve();
      }, ms);
      if (signal?.aborted === true) cut();
      else signal?.addEventListener('abort', cut, { once: true });
    }),
};
