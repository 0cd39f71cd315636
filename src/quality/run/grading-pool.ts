/** Grades answers beside each other, a bounded number at once. */
export interface GradingPool {
  /** Resolves when there is room for the work, and not when it is done. */
  submit(work: () => Promise<void>): Promise<void>;
  /** Waits for everything that was submitted. */
  drain(): Promise<void>;
}

/** @param onFailure told of the first failure and of all others; what fails is not told to `submit` */
export function createGradingPool(size: number, onFailure: (error: unknown) => void): GradingPool {
  const running = new Set<Promise<void>>();
  return {
    async submit(work) {
      while (running.size >= size) await Promise.race(running);
      const done: Promise<void> = work()
        .catch(onFailure)
        .finally(() => running.delete(done));
      running.add(done);
    },
    async drain() {
      await Promise.all(running);
    },
  };
}
