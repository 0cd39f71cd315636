import type { Ledger } from './ledger.ts';

type Method = 'begin' | 'attempt' | 'alone' | 'end' | 'event';

/** One write, as it goes to another thread. */
export type Write = { [M in Method]: { method: M; args: Parameters<Ledger[M]> } }[Method];

/**
 * The writing side of a ledger for those who can wait: what a method writes outlives the process
 * once its promise resolves, and rejects with what the ledger's own method throws. Writes keep the
 * order in which they were asked for.
 */
export type Recorder = {
  [M in Method]: (...args: Parameters<Ledger[M]>) => Promise<void>;
} & {
  /** Waits for every write. */
  close(): Promise<void>;
};

/** @param write keeps the order */
export function recorderBy(
  write: (write: Write) => Promise<void>,
  close: () => Promise<void>,
): Recorder {
  return {
    begin: (...args) => write({ method: 'begin', args }),
    attempt: (...args) => write({ method: 'attempt', args }),
    alone: (...args) => write({ method: 'alone', args }),
    end: (...args) => write({ method: 'end', args }),
    event: (...args) => write({ method: 'event', args }),
    close,
  };
}

/** Writes at once, in this thread: for a process with few requests. */
export function recordHere(ledger: Ledger): Recorder {
  return recorderBy(
    async (write) => apply(ledger, write),
    async () => {},
  );
}

export function apply(ledger: Ledger, write: Write): void {
  switch (write.method) {
    case 'begin':
      return ledger.begin(...write.args);
    case 'attempt':
      return ledger.attempt(...write.args);
    case 'alone':
      return ledger.alone(...write.args);
    case 'end':
      return ledger.end(...write.args);
    case 'event':
      return ledger.event(...write.args);
  }
}
