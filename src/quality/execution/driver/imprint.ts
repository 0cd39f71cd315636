const {
  defineProperty,
  deleteProperty,
  getOwnPropertyDescriptor,
  getPrototypeOf,
  isExtensible,
  ownKeys,
} = Reflect;
const { is } = Object;

interface Print {
  object: object;
  prototype: object | null;
  keys: readonly PropertyKey[];
  /** The property of each key, in order. */
  properties: readonly (PropertyDescriptor | undefined)[];
}

function take(object: object): Print {
  const keys = ownKeys(object);
  const properties = keys.map((key) => getOwnPropertyDescriptor(object, key));
  return { object, prototype: getPrototypeOf(object), keys, properties };
}

/** A property's parts as values to compare. */
interface Parts {
  value?: unknown;
  get?: unknown;
  set?: unknown;
}

function same(before: Parts | undefined, after: Parts | undefined): boolean {
  return (
    is(before?.value, after?.value) && is(before?.get, after?.get) && is(before?.set, after?.set)
  );
}

function unchanged({ object, prototype, keys, properties }: Print): boolean {
  if (!isExtensible(object) || getPrototypeOf(object) !== prototype) return false;
  if (ownKeys(object).length !== keys.length) return false;
  // Thousands of properties between any two runs: a loop, and no iterator.
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index];
    if (key === undefined) return false;
    if (!same(properties[index], getOwnPropertyDescriptor(object, key))) return false;
  }
  return true;
}

/** What objects were like at one time, to tell later whether anything has been done to them. */
export class Imprint {
  #prints: readonly Print[];

  constructor(objects: Iterable<object>) {
    this.#prints = [...new Set(objects)].map(take);
  }

  /** Takes what an object is like now for what it should be like. */
  renew(object: object): void {
    this.#prints = this.#prints.map((print) => (print.object === object ? take(object) : print));
  }

  /** Whether every object still has the same prototype, the same properties and the same values in them. */
  get intact(): boolean {
    return this.#prints.every(unchanged);
  }

  /** Gives every object back the properties it had, as far as it lets. */
  restore(): void {
    for (const print of this.#prints) {
      if (unchanged(print)) continue;
      const { object, keys, properties } = print;
      for (const key of ownKeys(object)) {
        if (!keys.includes(key)) deleteProperty(object, key);
      }
      for (const [index, key] of keys.entries()) {
        const before = properties[index];
        if (before && !same(before, getOwnPropertyDescriptor(object, key))) {
          defineProperty(object, key, before);
        }
      }
    }
  }
}
