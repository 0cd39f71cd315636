/** Lets one caller in at a time, in the order they came. */
export interface Turnstile {
  /**
   * Waits for its turn. The caller must call the returned function once, when it is done.
   * An abort while waiting leaves the queue and rejects with the signal's reason.
   */
  enter(signal?: AbortSignal): Promise<() => void>;
}

export function createTurnstile(): Turnstile {
  const waiting: Array<() => void> = [];
  let occupied = false;

  function leave(): void {
    const next = waiting.shift();
    if (next === undefined) occupied = false;
    else next();
  }

  return {
    async enter(signal) {
      signal?.throwIfAborted();
      if (!occupied) {
        occupied = true;
        return leave;
      }
      return new Promise((resolve, reject) => {
        const admit = (): void => {
          signal?.removeEventListener('abort', giveUp);
          resolve(leave);
        };
        const giveUp = (): void => {
          waiting.splice(waiting.indexOf(admit), 1);
          reject(signal?.reason);
        };
        signal?.addEventListener('abort', giveUp, { once: true });
        waiting.push(admit);
      });
    },
  };
}
