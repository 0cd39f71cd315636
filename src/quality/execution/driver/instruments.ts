import type { BoundaryClass } from '../../kinds/test-generation/evidence.ts';

/** Something that notices what a piece of running touches of the subject. */
export interface Instrument {
  /** What was touched since it was last asked. */
  take(): string[];
}

interface FileCounters {
  s: Record<string, number>;
  b: Record<string, number[]>;
}

/** Reads istanbul's counters, which the counted subject keeps in `scope`. */
export class CoverageCounter implements Instrument {
  readonly scope: { counters?: Record<string, FileCounters> } = {};
  #before = new Map<string, number>();

  take(): string[] {
    const now = this.#read();
    const touched: string[] = [];
    for (const [key, count] of now) {
      if (count > (this.#before.get(key) ?? 0)) touched.push(key);
    }
    this.#before = now;
    return touched;
  }

  /** Every statement and branch there is. */
  keys(): string[] {
    return [...this.#read().keys()];
  }

  #read(): Map<string, number> {
    const counts = new Map<string, number>();
    for (const { s, b } of Object.values(this.scope.counters ?? {})) {
      for (const [id, count] of Object.entries(s)) counts.set(`s${id}`, count);
      for (const [id, arms] of Object.entries(b)) {
        for (const [arm, count] of arms.entries()) counts.set(`b${id}.${arm}`, count);
      }
    }
    return counts;
  }
}

/** Switches one mutant on and counts how often each is reached. */
export class MutantSwitch implements Instrument {
  /** Times each mutant's place was reached in this run. */
  readonly hits = new Map<string, number>();
  #touched = new Set<string>();
  readonly #active: string | undefined;
  readonly #limit: number;
  #activeHits = 0;

  /** @param limit how often the active mutant may be reached before it counts as an endless loop */
  constructor(active?: string, limit = Infinity) {
    this.#active = active;
    this.#limit = limit;
  }

  get overLimit(): boolean {
    return this.#activeHits > this.#limit;
  }

  readonly isActive = (id: string): boolean => {
    if (id !== this.#active) return false;
    this.#activeHits += 1;
    if (this.#activeHits > this.#limit) throw new Error('This mutant does not come to an end');
    return true;
  };

  readonly cover = (...ids: string[]): void => {
    for (const id of ids) {
      this.hits.set(id, (this.hits.get(id) ?? 0) + 1);
      this.#touched.add(id);
    }
  };

  take(): string[] {
    const touched = [...this.#touched];
    this.#touched = new Set();
    return touched;
  }
}

/** Wraps what the subject exports and notes the boundary values among the arguments it is called with. */
export class ArgumentSpy implements Instrument {
  #seen = new Set<BoundaryClass>();
  readonly #wrapped = new Map<object, unknown>();

  take(): string[] {
    const seen = [...this.#seen];
    this.#seen = new Set();
    return seen;
  }

  /** The value to hand out in place of an export. */
  wrap(exported: unknown): unknown {
    if (typeof exported !== 'function') {
      if (typeof exported === 'object' && exported !== null) this.#watchMethods(exported);
      return exported;
    }
    const known = this.#wrapped.get(exported);
    if (known !== undefined) return known;
    const note = (args: unknown[]): void => this.#note(args);
    const proxy: unknown = new Proxy(exported, {
      apply(target, self, args: unknown[]): unknown {
        note(args);
        return Reflect.apply(target, self, args);
      },
      construct(target, args: unknown[], newTarget): object {
        note(args);
        const made: object = Reflect.construct(
          target,
          args,
          newTarget === proxy ? target : newTarget,
        );
        return made;
      },
    });
    this.#wrapped.set(exported, proxy);
    const prototype: unknown = exported.prototype;
    if (typeof prototype === 'object' && prototype !== null) this.#watchMethods(prototype);
    this.#watchMethods(exported);
    return proxy;
  }

  #watchMethods(owner: object): void {
    const note = (args: unknown[]): void => this.#note(args);
    for (const [name, descriptor] of Object.entries(Object.getOwnPropertyDescriptors(owner))) {
      const method: unknown = descriptor.value;
      if (name === 'constructor' || name === 'prototype' || typeof method !== 'function') continue;
      if (descriptor.configurable !== true && descriptor.writable !== true) continue;
      const watched = new Proxy(method, {
        apply(target, self, args: unknown[]): unknown {
          note(args);
          return Reflect.apply(target, self, args);
        },
      });
      Object.defineProperty(owner, name, { ...descriptor, value: watched });
    }
  }

  #note(args: readonly unknown[]): void {
    for (const argument of args) {
      this.#classify(argument);
      if (Array.isArray(argument)) {
        for (const element of argument.slice(0, 1000)) this.#classify(element);
      } else if (isPlain(argument)) {
        for (const value of Object.values(argument)) this.#classify(value);
      }
    }
  }

  #classify(value: unknown): void {
    const found = boundaryClass(value);
    if (found) this.#seen.add(found);
  }
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // The plain objects of any realm: their prototype is the end of the chain.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const LARGEST = new Set<number>([
  Infinity,
  Number.MAX_VALUE,
  Number.MAX_SAFE_INTEGER,
  2 ** 53,
  2 ** 32 - 1,
  2 ** 31 - 1,
]);

/** The boundary class that a value belongs to. Largest: the ends of what a number, 32 or 31 bits can hold. */
export function boundaryClass(value: unknown): BoundaryClass | undefined {
  if (value === null) return 'null';
  if (value === '') return 'empty-string';
  if (Array.isArray(value)) return value.length === 0 ? 'empty-array' : undefined;
  if (typeof value === 'bigint') {
    return value === 0n ? 'zero' : value === -1n ? 'minus-one' : undefined;
  }
  if (typeof value !== 'number') return undefined;
  if (value === 0) return 'zero';
  if (value === -1) return 'minus-one';
  if (Number.isNaN(value)) return 'nan';
  return LARGEST.has(value) ? 'max' : undefined;
}
