/** Events pushed on one side and read on the other, in order, without bound. */
export interface EventQueue<Event> extends AsyncIterable<Event> {
  push(event: Event): void;
  /** Ends the reading side once it has read everything. */
  close(): void;
  /** Throws `error` on the reading side once it has read everything. */
  fail(error: unknown): void;
}

/** A queue for one reader. */
export function createEventQueue<Event>(): EventQueue<Event> {
  const events: Event[] = [];
  let end: { error?: unknown } | undefined;
  let wake: () => void = () => {};

  return {
    push(event) {
      events.push(event);
      wake();
    },
    close() {
      end ??= {};
      wake();
    },
    fail(error) {
      end ??= { error };
      wake();
    },
    async *[Symbol.asyncIterator]() {
      while (true) {
        yield* events.splice(0);
        if (events.length > 0) continue;
        if (end !== undefined) break;
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if ('error' in end) throw end.error;
    },
  };
}
