import { createContext, runInContext, type Context, type Script } from 'node:vm';
import {
  MessageChannel,
  type MessagePort,
  moveMessagePortToContext,
  receiveMessageOnPort,
} from 'node:worker_threads';
import type { Performance } from 'node:perf_hooks';
import type { RealmHost } from '../realm/host.ts';
import type { Realm } from '../realm/realm.ts';
import { Imprint } from './imprint.ts';
import { nodeModule } from './node-modules.ts';
import type * as RunnerFace from './runner-face.ts';
import type { Surroundings, TimeoutTimers } from './surroundings.ts';

/** Intrinsics without literal syntax: the context uses Node's own, so that buffers are of one kind. */
const SHARED =
  'ArrayBuffer SharedArrayBuffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array BigInt64Array BigUint64Array';

/** Intrinsics that each realm has its own of. */
const DOUBLED =
  'Object Function Array Promise Map Set WeakMap WeakSet Date RegExp Error EvalError RangeError ReferenceError SyntaxError TypeError URIError AggregateError';

const NODE =
  'URL URLSearchParams TextEncoder TextDecoder AbortController AbortSignal Event EventTarget DOMException Blob MessageChannel MessagePort ReadableStream WritableStream TransformStream Buffer crypto Crypto CryptoKey SubtleCrypto atob btoa queueMicrotask performance BroadcastChannel';

/** Globals that Node itself loads only when they are asked for, which takes longer than most tests. */
const LAZY = 'Headers FormData Request Response'.split(' ');

function pick(names: string): Record<string, unknown> {
  const found: Record<string, unknown> = {};
  for (const name of names.split(' ')) {
    const value: unknown = Reflect.get(globalThis, name);
    if (value !== undefined) found[name] = value;
  }
  return found;
}

const INTRINSICS = pick(DOUBLED);
const GLOBALS = { ...pick(NODE), ...pick(SHARED) };

/** A pair of ports, the second of them in the context: what arrives there is made of the context's own objects. */
function openPorts(context: Context): { out: MessagePort; inside: MessagePort } {
  const { port1, port2 } = new MessageChannel();
  const inside = moveMessagePortToContext(port2, context);
  // Open ports would keep the process alive, and so hide that nothing more can happen.
  port1.unref();
  inside.unref();
  return { out: port1, inside };
}

/** `structuredClone` whose result belongs to the context. */
function cloneInto(context: Context): RealmHost['clone'] {
  let ports: ReturnType<typeof openPorts> | undefined;
  return (value, options) => {
    ports ??= openPorts(context);
    const transfer =
      typeof options === 'object' && options !== null && 'transfer' in options
        ? options.transfer
        : undefined;
    ports.out.postMessage(value, Array.isArray(transfer) ? transfer : []);
    const received = receiveMessageOnPort(ports.inside);
    return ownBuffers(received?.message);
  };
}

/** Gives the buffers in a copy the kind that the context shares with Node. */
function ownBuffers(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    const Kind: unknown = Reflect.get(globalThis, value.constructor.name);
    if (typeof Kind !== 'function' || value instanceof Kind) return value;
    const bytes = new Uint8Array(value.byteLength);
    bytes.set(new Uint8Array(value.buffer, value.byteOffset, value.byteLength));
    return Reflect.construct(Kind, [bytes.buffer]);
  }
  if (Array.isArray(value)) {
    for (const [index, element] of value.entries()) {
      if (typeof element === 'object') value[index] = ownBuffers(element);
    }
  } else if (typeof value === 'object' && value !== null && !(Symbol.iterator in value)) {
    for (const [key, member] of Object.entries(value)) {
      if (ArrayBuffer.isView(member)) Reflect.set(value, key, ownBuffers(member));
    }
  }
  return value;
}

type Evaluated = (...args: unknown[]) => unknown;

/** What a run tells the context that it is given; the rest of a host is the context's own. */
export type RunHost = Omit<
  RealmHost,
  'intrinsics' | 'clone' | 'globals' | 'performance' | 'process' | 'environment'
>;

/** `Object` as the runner sees it: it prints test titles, and tells the context's plain objects by their prototype. */
function objectsOf(realm: Realm): unknown {
  function like(value: unknown): unknown {
    return Object(value);
  }
  const {
    prototype: _,
    length: _1,
    name: _2,
    ...statics
  } = Object.getOwnPropertyDescriptors(Object);
  return Object.defineProperty(Object.defineProperties(like, statics), 'prototype', {
    value: Object.getPrototypeOf(realm.newObject()),
  });
}

/** The test runner, evaluated for one context; it lives outside of it, with a clock of its own. */
function openRunner(
  script: Script,
  { setTimeout, clearTimeout }: TimeoutTimers,
  clock: Performance,
  realm: Realm,
): typeof RunnerFace {
  const nextTick = process.nextTick.bind(process);
  const scope = { setTimeout, clearTimeout, performance: clock, process: { nextTick } };
  const evaluate: (...args: unknown[]) => typeof RunnerFace = script.runInThisContext();
  return evaluate(scope, setTimeout, clearTimeout, objectsOf(realm));
}

/** What every context is made of. */
export interface ContextParts {
  realm: Script;
  runner: Script;
  /** The test runner's own timers and clock. */
  timers: TimeoutTimers;
  clock: Performance;
  surroundings: () => Surroundings;
  /** Whether a context serves on after what mocks and clocks did in it was taken back. */
  restores: boolean;
}

/** A global scope that looks like Node's, in which a test runner, `expect`, `vi` and the like are set up. */
export class RunContext {
  readonly realm: Realm;
  readonly runner: typeof RunnerFace;
  readonly #context = createContext({}, { name: 'test' });
  readonly #inner: object = runInContext('globalThis', this.#context);
  readonly #timers: Surroundings['timers'];
  readonly #ownModules: ReadonlyMap<string, unknown>;
  readonly #restores: boolean;
  #host: RunHost;
  /** What the scope was like before its first run. */
  readonly #imprint: Imprint;

  constructor(parts: ContextParts, firstHost: RunHost) {
    this.#host = firstHost;
    const surroundings = parts.surroundings();
    this.#timers = surroundings.timers;
    this.#restores = parts.restores;
    const prepare: (...tools: unknown[]) => void = runInContext(
      surroundings.prelude,
      this.#context,
    );
    prepare(...surroundings.tools);
    const globals = { ...GLOBALS, ...surroundings.globals, ...this.#timers.globals() };
    // Before the realm's own modules are evaluated: they expect to be in Node.
    for (const [name, value] of Object.entries(globals)) this.#define(name, value);
    for (const name of LAZY) this.#defineLazily(name);
    this.#define('global', this.#inner);
    const openRealm: (host: RealmHost, require: (name: string) => unknown) => Realm =
      parts.realm.runInContext(this.#context);
    this.realm = openRealm(this.#realmHost(globals, surroundings), (name) => {
      if (name === 'util') return nodeModule('util');
      throw new Error(`no module ${name}`);
    });
    this.#ownModules = new Map<string, unknown>([
      ...surroundings.modules,
      ...['process', 'console'].map((name) => [name, Reflect.get(this.#inner, name)] as const),
    ]);
    this.runner = openRunner(parts.runner, parts.timers, parts.clock, this.realm);
    for (const [name, value] of Object.entries(this.vitest())) this.#define(name, value);
    this.#define('jest', this.realm.jest);
    this.#imprint = new Imprint(this.realm.tracked());
  }

  /** What the module `vitest` exports. */
  vitest(): Record<string, unknown> {
    return { ...this.runner.api, ...this.realm.exports };
  }

  /** Begins another run. */
  begin(host: RunHost): void {
    this.#host = host;
    this.#timers.begin();
  }

  /** Ends the run. True when it left the scope just as it was, so that another may have it. */
  end(): boolean {
    const left = this.#timers.waiting && !this.#restores;
    this.#timers.end();
    if (this.#restores) this.realm.restore();
    return !left && this.realm.untouched() && this.#imprint.intact;
  }

  /** Evaluates a script whose value is a function. */
  evaluate(script: Script): Evaluated {
    return script.runInContext(this.#context);
  }

  /** A module of Node. */
  builtin(specifier: string): unknown {
    return this.#ownModules.get(specifier.replace(/^node:/, '')) ?? nodeModule(specifier);
  }

  #define(name: string, value: unknown): void {
    // As Node has its globals: writable, configurable, not enumerable.
    Object.defineProperty(this.#inner, name, { value, writable: true, configurable: true });
  }

  #defineLazily(name: string): void {
    Object.defineProperty(this.#inner, name, {
      get: (): unknown => Reflect.get(globalThis, name),
      set: (value: unknown) => {
        this.#define(name, value);
      },
      configurable: true,
    });
  }

  #realmHost(
    globals: Record<string, unknown>,
    { performance, process, environment }: Surroundings,
  ): RealmHost {
    const current = (): RunHost => this.#host;
    return {
      currentTest: () => current().currentTest(),
      onTestFinished: (check) => current().onTestFinished(check),
      get snapshot() {
        return current().snapshot;
      },
      testPath: this.#host.testPath,
      resetModules: () => current().resetModules(),
      setTestTimeout: (ms) => current().setTestTimeout(ms),
      intrinsics: INTRINSICS,
      clone: cloneInto(this.#context),
      globals,
      performance,
      process,
      environment,
    };
  }
}
