const {
  defineProperty,
  deleteProperty,
  get,
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
  /** Whether reading the property tells as much as its descriptor: there is neither a getter nor a proxy's trap. */
  readable: readonly boolean[];
}

function take(object: object): Print {
  const keys = ownKeys(object);
  const properties = keys.map((key) => getOwnPropertyDescriptor(object, key));
  const readable = properties.map((property, index) => {
    const key = keys[index];
    if (property === undefined || key === undefined || !('value' in property)) return false;
    return is(get(object, key), property.value);
  });
  return { object, prototype: getPrototypeOf(object), keys, properties, readable };
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

function unchanged({ object, prototype, keys, properties, readable }: Print): boolean {
  if (!isExtensible(object) || getPrototypeOf(object) !== prototype) return false;
  if (ownKeys(object).length !== keys.length) return false;
  // Thousands of properties between any two runs: a loop, no iterator, and a descriptor only where it is needed.
  for (let index = 0; index < keys.length; index += 1) {
    const key = keys[index];
    const before = properties[index];
    if (key === undefined || before === undefined) return false;
    if (readable[index]) {
      if (!is(before.value, get(object, key))) return false;
    } else if (!same(before, getOwnPropertyDescriptor(object, key))) return false;
  }
  return true;
}

/** The objects among values, the prototypes of those that are classes, and those that all of these inherit from. */
export function objectsIn(values: readonly unknown[]): object[] {
  const objects = new Set<object>();
  const add = (value: unknown): void => {
    for (let object = value; isObject(object); object = getPrototypeOf(object)) objects.add(object);
  };
  for (const value of values) {
    add(value);
    if (typeof value === 'function') add(value.prototype);
  }
  return [...objects];
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** What objects were like at one time, to tell later whether anything has been done to them. */
export class Imprint {
  readonly #prints: readonly Print[];

  constructor(objects: Iterable<object>) {
    this.#prints = [...new Set(objects)].map(take);
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
