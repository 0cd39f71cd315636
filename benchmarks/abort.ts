import { PerformanceObserver } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import Table from 'cli-table3';
import type { Abort } from '../src/core/abort.ts';

const ROUNDS = 5;
const EACH = 200_000;

interface Figures {
  /** Nanoseconds for one signal with one listener, the best round. */
  each: number;
  /** Milliseconds of garbage collection in all rounds. */
  collected: number;
}

/** A new one for each signal, as in a request. */
class Listener {
  readonly #made: number;

  constructor(made: number) {
    this.#made = made;
  }

  handleEvent(): number {
    return this.#made;
  }
}

/** A signal that somebody listens to for a while, ours and the platform's, turn about in one run. */
export async function run(out: (line: string) => void): Promise<void> {
  // As it is built: the loader of TypeScript names every closure, which costs more than the signal.
  const built: { createAbort: () => Abort } = await import(
    new URL('../dist/core/abort.js', import.meta.url).href
  );
  const contenders = {
    'aqe-llm': () => built.createAbort().signal,
    'AbortController (control)': () => new AbortController().signal,
  };
  const figures = new Map<string, Figures>();
  for (let round = 0; round <= ROUNDS; round++) {
    for (const [name, make] of Object.entries(contenders)) {
      const { each, collected } = await measure(make);
      // The first round only warms up.
      if (round === 0) continue;
      const before = figures.get(name) ?? { each: Infinity, collected: 0 };
      figures.set(name, {
        each: Math.min(before.each, each),
        collected: before.collected + collected,
      });
    }
  }
  const table = new Table({ head: ['', 'ns each', 'GC ms'], style: { head: [], border: [] } });
  for (const [name, { each, collected }] of figures) {
    table.push([name, each.toFixed(0), collected.toFixed(0)]);
  }
  out(`${EACH} signals a round, ${ROUNDS} rounds, one listener each`);
  out(table.toString());
}

async function measure(make: () => AbortSignal): Promise<Figures> {
  let collected = 0;
  const observer = new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) collected += duration;
  });
  observer.observe({ entryTypes: ['gc'] });
  const startedAt = performance.now();
  for (let made = 0; made < EACH; made++) {
    const signal = make();
    const listener = new Listener(made);
    signal.addEventListener('abort', listener, { once: true });
    signal.removeEventListener('abort', listener);
  }
  const each = ((performance.now() - startedAt) / EACH) * 1e6;
  // What the collector did is told a little later.
  await sleep(50);
  observer.disconnect();
  return { each, collected };
}
