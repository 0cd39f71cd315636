import { createAbort } from '../../core/abort.ts';

/** Aborts with either, and lets go of both: one of them lives as long as the router. */
export function joinSignals(
  caller: AbortSignal | undefined,
  closing: AbortSignal,
): { signal: AbortSignal; release: () => void } {
  const joined = createAbort();
  const signals = caller === undefined ? [closing] : [caller, closing];
  const abort = (): void => joined.abort();
  for (const signal of signals) {
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort, { once: true });
  }
  return {
    signal: joined.signal,
    release: () => {
      for (const signal of signals) signal.removeEventListener('abort', abort);
    },
  };
}
