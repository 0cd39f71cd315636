import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { createContext, runInContext, type Context, type Script } from 'node:vm';
import {
  MessageChannel,
  type MessagePort,
  moveMessagePortToContext,
  receiveMessageOnPort,
} from 'node:worker_threads';
import type { RealmHost } from '../realm/host.ts';
import type { Realm } from '../realm/realm.ts';

const nodeRequire = createRequire(__filename);

/** Intrinsics without literal syntax: the context uses Node's own, so that buffers are of one kind. */
const SHARED =
  'ArrayBuffer SharedArrayBuffer DataView Int8Array Uint8Array Uint8ClampedArray Int16Array Uint16Array Int32Array Uint32Array Float32Array Float64Array BigInt64Array BigUint64Array';

/** Intrinsics that each realm has its own of. */
const DOUBLED =
  'Object Function Array Promise Map Set WeakMap WeakSet Date RegExp Error EvalError RangeError ReferenceError SyntaxError TypeError URIError AggregateError';

const NODE =
  'URL URLSearchParams TextEncoder TextDecoder AbortController AbortSignal Event EventTarget DOMException Blob Headers FormData Request Response MessageChannel MessagePort ReadableStream WritableStream TransformStream Buffer crypto Crypto CryptoKey SubtleCrypto atob btoa queueMicrotask performance BroadcastChannel';

/** Modules of Node that could reach the process that measures, or leave it. */
const REFUSED = new Set(
  'child_process cluster worker_threads vm v8 inspector inspector/promises repl module sea wasi test test/reporters diagnostics_channel trace_events'.split(
    ' ',
  ),
);

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

/** Timers that end with the run that started them. */
class RunTimers {
  readonly #clear = new Set<() => void>();
  #over = false;

  globals(): Record<string, unknown> {
    const started = (clear: () => void): (() => void) => {
      if (this.#over) clear();
      else this.#clear.add(clear);
      return () => this.#clear.delete(clear);
    };
    const once = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
      const timer = setTimeout(() => {
        ended();
        callback(...args);
      }, ms);
      const ended = started(() => clearTimeout(timer));
      return timer;
    };
    const soon = (callback: (...args: unknown[]) => void, ...args: unknown[]) => {
      const timer = setImmediate(() => {
        ended();
        callback(...args);
      });
      const ended = started(() => clearImmediate(timer));
      return timer;
    };
    const again = (callback: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
      const timer = setInterval(callback, ms, ...args);
      started(() => clearInterval(timer));
      return timer;
    };
    const later = (ms?: number, value?: unknown) =>
      new Promise((resolve) => {
        once(() => resolve(value), ms);
      });
    Object.defineProperty(once, promisify.custom, { value: later });
    return {
      setTimeout: once,
      setInterval: again,
      setImmediate: soon,
      clearTimeout: (timer?: NodeJS.Timeout) => clearTimeout(timer),
      clearInterval: (timer?: NodeJS.Timeout) => clearInterval(timer),
      clearImmediate: (timer?: NodeJS.Immediate) => clearImmediate(timer),
    };
  }

  end(): void {
    this.#over = true;
    for (const clear of this.#clear) clear();
    this.#clear.clear();
  }
}

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

export interface RunContext {
  realm: Realm;
  /** Evaluates a script whose value is a function. */
  evaluate(script: Script): Evaluated;
  define(name: string, value: unknown): void;
  /** A module of Node. */
  builtin(specifier: string): unknown;
  /** Stops the timers that are left. */
  end(): void;
}

type HostPart = Omit<RealmHost, 'intrinsics' | 'clone' | 'globals' | 'performance' | 'process'>;

/** A fresh global scope that looks like Node's and in which `expect`, `vi` and the like are set up. */
export function openContext(realmScript: Script, part: HostPart): RunContext {
  const context = createContext({}, { name: 'test' });
  const inner: object = runInContext('globalThis', context);
  const timers = new RunTimers();
  const host: RealmHost = {
    ...part,
    intrinsics: INTRINSICS,
    clone: cloneInto(context),
    globals: { ...GLOBALS, ...timers.globals() },
    performance,
    process,
  };
  const evaluate = (script: Script): Evaluated => script.runInContext(context);
  const onlyUtil = (name: string): unknown => {
    if (name === 'util') return nodeRequire('node:util');
    throw new Error(`no module ${name}`);
  };
  const define = (name: string, value: unknown): void => {
    // As Node has its globals: writable, configurable, not enumerable.
    Object.defineProperty(inner, name, { value, writable: true, configurable: true });
  };
  // Before the realm's own modules are evaluated: they expect to be in Node.
  for (const [name, value] of Object.entries(host.globals)) define(name, value);
  define('global', inner);
  const openRealm: (host: RealmHost, require: (name: string) => unknown) => Realm =
    realmScript.runInContext(context);
  const realm = openRealm(host, onlyUtil);
  const ownModules = new Map(
    ['process', 'console'].map((name) => [name, Reflect.get(inner, name)]),
  );
  return {
    realm,
    evaluate,
    define,
    builtin(specifier) {
      const name = specifier.replace(/^node:/, '');
      if (REFUSED.has(name)) throw new Error(`The module "${specifier}" is not available to tests`);
      return ownModules.get(name) ?? nodeRequire(`node:${name}`);
    },
    end: () => timers.end(),
  };
}
