import { RunContext, type ContextParts, type RunHost } from './context.ts';
import { Imprint } from './imprint.ts';

/** Registries inside of a context grow with its use. */
const MAX_RUNS = 100;

/** Node's objects that all contexts share, and that a test may have changed. */
function sharedObjects(): object[] {
  const objects: object[] = [];
  const names =
    'ArrayBuffer DataView Uint8Array Int8Array Uint16Array Int16Array Uint32Array Int32Array Float32Array Float64Array URL URLSearchParams TextEncoder TextDecoder AbortController AbortSignal Event EventTarget Buffer crypto';
  for (const name of names.split(' ')) {
    const value: unknown = Reflect.get(globalThis, name);
    if (typeof value !== 'function' && typeof value !== 'object') continue;
    if (value === null) continue;
    objects.push(value);
    if (typeof value === 'function' && typeof value.prototype === 'object') {
      objects.push(value.prototype);
    }
  }
  return objects;
}

/**
 * Contexts for runs. Making one takes longer than most runs, so a context whose run has left it exactly as it was
 * serves the next one too.
 */
export class ContextPool {
  readonly #parts: ContextParts;
  readonly #shared = new Imprint(sharedObjects());
  #idle: { context: RunContext; runs: number } | undefined;

  constructor(parts: ContextParts) {
    this.#parts = parts;
  }

  /** @param fresh whether the context must not have been used before */
  open(host: RunHost, fresh: boolean): { context: RunContext; close: (reusable: boolean) => void } {
    const idle = fresh ? undefined : this.#idle;
    this.#idle = undefined;
    const context = idle?.context ?? new RunContext(this.#parts, host);
    const runs = (idle?.runs ?? 0) + 1;
    context.begin(host);
    const close = (reusable: boolean): void => {
      const untouched = context.end();
      this.#shared.restore();
      if (reusable && untouched && runs < MAX_RUNS) this.#idle = { context, runs };
    };
    return { context, close };
  }
}
