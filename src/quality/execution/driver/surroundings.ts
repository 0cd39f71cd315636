import type { Performance } from 'node:perf_hooks';
import { RunTimers } from './run-timers.ts';

/** Timers of one context, which end with the run that started them. */
export interface ContextTimers {
  /** Whether a timer is still to fire. */
  readonly waiting: boolean;
  globals(): Record<string, unknown>;
  begin(): void;
  end(): void;
}

/** The timers that enforce test and hook timeouts. */
export interface TimeoutTimers {
  setTimeout: (callback: () => void, ms?: number) => unknown;
  clearTimeout: (timer: never) => void;
}

/** What a context takes from outside of it: Node's own, or what a rerun puts in its place. */
export interface Surroundings {
  timers: ContextTimers;
  performance: Performance;
  process: NodeJS.Process;
  /** Globals in place of Node's, by name. */
  globals: Readonly<Record<string, unknown>>;
  /** Modules in place of Node's, by name without `node:`. */
  modules: ReadonlyMap<string, unknown>;
  /** Variables of the environment, as properties. */
  environment: PropertyDescriptorMap;
  /** Source of a function that is called in the context before anything else, with `tools`. */
  prelude: string;
  tools: readonly unknown[];
}

export function nodeSurroundings(): Surroundings {
  return {
    timers: new RunTimers(),
    performance,
    process,
    globals: {},
    modules: new Map(),
    environment: {},
    prelude: '() => {}',
    tools: [],
  };
}
