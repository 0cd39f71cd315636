/** Who may say that something is not wanted any more. */
export interface Abort {
  readonly signal: AbortSignal;
  /** Only the first call counts. Without a reason it is an `AbortError`, as the platform's. */
  abort(reason?: unknown): void;
}

/**
 * As `new AbortController()`, for what happens several times in each request. A signal of Node 20
 * takes many times as long to make as this one and outlives the garbage collector's small rounds,
 * which makes all of them slow: `npm run bench -- abort`.
 */
export function createAbort(): Abort {
  const signal = new Signal();
  return { signal, abort: (reason) => signal.give(reason) };
}

class Signal extends EventTarget implements AbortSignal {
  aborted = false;
  reason: unknown = undefined;
  onabort: AbortSignal['onabort'] = null;

  throwIfAborted(): void {
    if (this.aborted) throw this.reason;
  }

  give(reason: unknown): void {
    if (this.aborted) return;
    this.aborted = true;
    this.reason = reason ?? new DOMException('This operation was aborted', 'AbortError');
    const event = new Event('abort');
    this.onabort?.(event);
    this.dispatchEvent(event);
  }
}
