import { promisify } from 'node:util';

type Callback = (...args: unknown[]) => void;

/** Timers of one context, which end with the run that started them. */
export class RunTimers {
  readonly #clear = new Map<unknown, () => void>();
  #over = false;

  /** Whether a timer is still to fire. */
  get waiting(): boolean {
    return this.#clear.size > 0;
  }

  globals(): Record<string, unknown> {
    const started = <T>(timer: T, clear: (timer: T) => void): T => {
      if (this.#over) clear(timer);
      else this.#clear.set(timer, () => clear(timer));
      return timer;
    };
    const cleared =
      (clear: (timer: never) => void) =>
      (timer: never): void => {
        this.#clear.delete(timer);
        clear(timer);
      };
    const once = (callback: Callback, ms?: number, ...args: unknown[]) => {
      const timer = setTimeout(() => {
        this.#clear.delete(timer);
        callback(...args);
      }, ms);
      return started(timer, clearTimeout);
    };
    const soon = (callback: Callback, ...args: unknown[]) => {
      const timer = setImmediate(() => {
        this.#clear.delete(timer);
        callback(...args);
      });
      return started(timer, clearImmediate);
    };
    const again = (callback: Callback, ms?: number, ...args: unknown[]) =>
      started(setInterval(callback, ms, ...args), clearInterval);
    const later = (ms?: number, value?: unknown) =>
      new Promise((resolve) => {
        once(() => resolve(value), ms);
      });
    Object.defineProperty(once, promisify.custom, { value: later });
    return {
      setTimeout: once,
      setInterval: again,
      setImmediate: soon,
      clearTimeout: cleared(clearTimeout),
      clearInterval: cleared(clearInterval),
      clearImmediate: cleared(clearImmediate),
    };
  }

  /** A run begins. */
  begin(): void {
    this.#over = false;
  }

  /** The run ends: what waits is cleared, and so is what is started from now on. */
  end(): void {
    this.#over = true;
    for (const clear of this.#clear.values()) clear();
    this.#clear.clear();
  }
}
