import { RunContext, type ContextParts, type RunHost } from './context.ts';
import { restoreModules } from './node-modules.ts';
import { Imprint, objectsIn } from './imprint.ts';

/** Registries inside of a context grow with its use. */
const MAX_RUNS = 100;

/**
 * Node's own objects, which all contexts share: what a test leaves in them would tell the next runs what the
 * unchanged subject does. Of the globals with a getter only those that are loaded anyway.
 */
function sharedObjects(): object[] {
  const globals = Object.values(Object.getOwnPropertyDescriptors(globalThis));
  const values = globals.map(({ value }): unknown => value);
  return objectsIn([globalThis, ...values, process, Buffer, crypto]);
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
      restoreModules();
      if (reusable && untouched && runs < MAX_RUNS) this.#idle = { context, runs };
    };
    return { context, close };
  }
}
