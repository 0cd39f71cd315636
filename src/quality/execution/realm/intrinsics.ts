import type { RealmHost } from './host.ts';

type Callable = (...args: unknown[]) => unknown;

function isCallable(value: unknown): value is Callable {
  return typeof value === 'function';
}

/**
 * Lets values made by Node outside of the context pass for the context's own:
 * `instanceof` on an intrinsic accepts both.
 */
export function acceptForeignInstances(host: RealmHost): void {
  const ordinary = Function.prototype[Symbol.hasInstance];
  for (const [name, foreign] of Object.entries(host.intrinsics)) {
    const own: unknown = Reflect.get(globalThis, name);
    if (!isCallable(own) || !isCallable(foreign) || own === foreign) continue;
    Object.defineProperty(own, Symbol.hasInstance, {
      // A subclass inherits this property but not the other realm's instances.
      value(this: Callable, value: unknown): boolean {
        return ordinary.call(this, value) || (this === own && ordinary.call(foreign, value));
      },
      writable: true,
      configurable: true,
    });
  }
}

/** Gives an error that Node threw the prototype that the context knows it by. */
function adopt(host: RealmHost, thrown: unknown): unknown {
  if (typeof thrown !== 'object' || thrown === null) return thrown;
  const prototype: unknown = Object.getPrototypeOf(thrown);
  for (const [name, foreign] of Object.entries(host.intrinsics)) {
    if (!isCallable(foreign) || foreign.prototype !== prototype) continue;
    const own: unknown = Reflect.get(globalThis, name);
    if (isCallable(own)) Reflect.setPrototypeOf(thrown, own.prototype);
  }
  return thrown;
}

/** Wraps one of Node's functions or classes so that what it throws is an error of the context. */
export function adoptErrors(host: RealmHost, outer: unknown): unknown {
  if (!isCallable(outer)) return outer;
  return new Proxy(outer, {
    apply(target, self, args) {
      try {
        return Reflect.apply(target, self, args);
      } catch (error) {
        throw adopt(host, error);
      }
    },
    construct(target, args, newTarget) {
      try {
        const made: object = Reflect.construct(target, args, newTarget);
        return made;
      } catch (error) {
        throw adopt(host, error);
      }
    },
  });
}
