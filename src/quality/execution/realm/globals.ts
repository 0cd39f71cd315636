import type { Performance as NodePerformance } from 'node:perf_hooks';
import { acceptForeignInstances, adoptErrors } from './intrinsics.ts';
import type { RealmHost } from './host.ts';

/** Defines a global the way Node has its own: writable, configurable, not enumerable. */
function define(name: string, value: unknown): void {
  Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
}

/** A console that prints nothing and can be spied on. */
function silentConsole(): Record<string, unknown> {
  const methods =
    'log info warn error debug trace dir dirxml table group groupCollapsed groupEnd count countReset time timeEnd timeLog assert clear profile profileEnd timeStamp';
  return Object.fromEntries(methods.split(' ').map((name) => [name, () => undefined]));
}

/** A process with the facts of the real one, an empty environment and no power to end anything. */
function quietProcess(host: RealmHost): Record<string, unknown> {
  const real = host.process;
  const chain = (): Record<string, unknown> => quiet;
  const write = (): boolean => true;
  const quiet: Record<string, unknown> = {
    env: Object.defineProperties({ NODE_ENV: 'test' }, host.environment),
    argv: ['node'],
    execArgv: [],
    pid: 1,
    platform: real.platform,
    arch: real.arch,
    version: real.version,
    versions: { ...real.versions },
    exitCode: undefined,
    cwd: () => '/',
    uptime: () => real.uptime(),
    hrtime: Object.assign((since?: [number, number]) => real.hrtime(since), {
      bigint: () => real.hrtime.bigint(),
    }),
    memoryUsage: () => ({ ...real.memoryUsage() }),
    nextTick: (callback: (...args: unknown[]) => void, ...args: unknown[]) =>
      real.nextTick(callback, ...args),
    emitWarning: () => undefined,
    listenerCount: () => 0,
    listeners: () => [],
    emit: () => false,
    stdout: { write, isTTY: false },
    stderr: { write, isTTY: false },
    exit: (code?: unknown) => {
      throw new Error(`process.exit unexpectedly called with "${String(code)}"`);
    },
  };
  for (const name of 'on once off addListener removeListener removeAllListeners prependListener'.split(
    ' ',
  )) {
    quiet[name] = chain;
  }
  return quiet;
}

/** Fakes replace methods on this object, so each context has its own. */
function ownPerformance(real: NodePerformance): object {
  class Performance {
    get timeOrigin(): number {
      return real.timeOrigin;
    }
    now(): number {
      return real.now();
    }
    mark(): void {}
    measure(): void {}
    clearMarks(): void {}
    clearMeasures(): void {}
    getEntries(): unknown[] {
      return [];
    }
    getEntriesByName(): unknown[] {
      return [];
    }
    getEntriesByType(): unknown[] {
      return [];
    }
  }
  return new Performance();
}

/** Replaces Node's globals that would tell of, or reach into, the process around the context. */
export function defineGlobals(host: RealmHost): void {
  for (const name of ['URL', 'TextDecoder', 'atob', 'btoa']) {
    define(name, adoptErrors(host, host.globals[name]));
  }
  define('structuredClone', (value: unknown, options?: unknown) => host.clone(value, options));
  define('performance', ownPerformance(host.performance));
  define('console', silentConsole());
  define('process', quietProcess(host));
  define('fetch', () => Promise.reject(new TypeError('fetch failed')));
  acceptForeignInstances(host);
}

/** The global scope, what is in it, and the prototypes of that: all that a test could change for those after it. */
export function trackedGlobals(): object[] {
  const found: object[] = [globalThis];
  const add = (value: unknown): void => {
    if ((typeof value === 'object' && value !== null) || typeof value === 'function') {
      found.push(value);
    }
  };
  for (const name of Object.getOwnPropertyNames(globalThis)) {
    const value: unknown = Object.getOwnPropertyDescriptor(globalThis, name)?.value;
    add(value);
    if (typeof value === 'function') add(value.prototype);
  }
  const { env, stdout, stderr } = process;
  for (const value of [env, stdout, stderr]) add(value);
  const kinds = [
    function* () {},
    async () => {},
    async function* () {},
    [].values(),
    ''.matchAll(/x/g),
  ];
  for (const kind of [...kinds, new Map().keys(), new Set().keys(), performance, console]) {
    const prototype: unknown = Object.getPrototypeOf(kind);
    add(prototype);
    if (typeof prototype === 'object' && prototype !== null) {
      add(Object.getPrototypeOf(prototype));
      if ('prototype' in prototype) add(prototype.prototype);
    }
  }
  return found;
}
