interface Pending {
  due: number;
  fire: () => void;
}

/**
 * The timers that enforce test and hook timeouts. They do not keep the process alive, and when nothing else does
 * (a promise that nobody will ever settle), their time has come: what is awaited can no longer happen.
 */
export class RunnerTimers {
  readonly #pending = new Map<NodeJS.Timeout, Pending>();
  // Held from before any test runs.
  readonly #set = setTimeout;
  readonly #clear = clearTimeout;
  readonly #now = performance.now.bind(performance);

  readonly setTimeout = (callback: () => void, ms = 0): NodeJS.Timeout => {
    const fire = (): void => {
      this.#pending.delete(timer);
      callback();
    };
    const timer = this.#set(fire, ms).unref();
    this.#pending.set(timer, { due: this.#now() + ms, fire });
    return timer;
  };

  readonly clearTimeout = (timer: NodeJS.Timeout | undefined): void => {
    if (!timer) return;
    this.#pending.delete(timer);
    this.#clear(timer);
  };

  get waiting(): boolean {
    return this.#pending.size > 0;
  }

  /** Fires the timer that is due first, now. */
  skipAhead(): void {
    let first: [NodeJS.Timeout, Pending] | undefined;
    for (const entry of this.#pending) {
      if (!first || entry[1].due < first[1].due) first = entry;
    }
    if (!first) return;
    this.#clear(first[0]);
    first[1].fire();
  }
}
