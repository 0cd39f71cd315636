import { promisify } from 'node:util';
import type { ContextTimers, TimeoutTimers } from './surroundings.ts';

type Callback = (...args: unknown[]) => void;

interface Entry {
  due: number;
  order: number;
  fire: () => void;
  /** It enforces a timeout, and keeps nothing waiting by itself. */
  enforces: boolean;
}

/** Milliseconds that a turn of the loop takes. */
const TURN_MS = 0.01;
const LONGEST_MS = 2 ** 31 - 1;

/**
 * An event loop in which waiting takes no time. When nothing can happen any more before the next timer, the clock
 * jumps to it; timers fire in the order in which they are due, as in Node. `lateness` says by how many milliseconds
 * the loop comes late to a timer, as on a busy machine.
 */
export class VirtualLoop implements ContextTimers {
  /** Milliseconds since the epoch. */
  now = 0;
  #lateness: () => number = () => 0;
  #entries: Entry[] = [];
  #soon: { fire: () => void }[] = [];
  #count = 0;
  #turning = false;
  #over = true;
  // Held from before any test runs.
  readonly #turn = setImmediate;

  get waiting(): boolean {
    return this.#entries.some(({ enforces }) => !enforces) || this.#soon.length > 0;
  }

  /** Sets the clock for a run. */
  start(now: number, lateness: () => number): void {
    this.now = now;
    this.#lateness = lateness;
    this.#entries = [];
  }

  begin(): void {
    this.#over = false;
  }

  end(): void {
    this.#over = true;
    this.#entries = this.#entries.filter(({ enforces }) => enforces);
    this.#soon = [];
  }

  /** The timers of the test runner, in the same time. */
  readonly timeouts: TimeoutTimers & { clearTimeout: (timer: Entry | undefined) => void } = {
    setTimeout: (callback, ms = 0): Entry => this.#add(callback, ms, true),
    clearTimeout: (timer) => {
      if (timer !== undefined) this.#remove(timer);
    },
  };

  /** Only timeouts are left: what a test waits for can no longer happen. */
  skipAhead(): boolean {
    const next = this.#next();
    if (next !== undefined) this.#fire(next);
    return next !== undefined;
  }

  /** Lets time pass while code runs. */
  pass(ms: number): void {
    this.now += ms;
  }

  globals(): Record<string, unknown> {
    const later = (callback: Callback, ms?: number, ...args: unknown[]) =>
      new VirtualTimer(this, () => callback(...args), ms, false);
    const soon = (callback: Callback, ...args: unknown[]) => {
      const entry = { fire: () => callback(...args) };
      if (!this.#over) this.#soon.push(entry);
      this.#schedule();
      return entry;
    };
    const again = (callback: Callback, ms?: number, ...args: unknown[]) =>
      new VirtualTimer(this, () => callback(...args), ms, true);
    const clear = (timer: unknown): void => {
      const found = timer instanceof VirtualTimer ? timer : VirtualTimer.byId(timer);
      found?.close();
    };
    const clearSoon = (timer: unknown): void => {
      this.#soon = this.#soon.filter((entry) => entry !== timer);
    };
    Object.defineProperty(later, promisify.custom, { value: this.sleep });
    return {
      setTimeout: later,
      setInterval: again,
      setImmediate: soon,
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clearSoon,
    };
  }

  /** `setTimeout` of `timers/promises`. */
  readonly sleep = (ms?: number, value?: unknown): Promise<unknown> =>
    new Promise((resolve) => {
      this.add(() => resolve(value), ms);
    });

  add(fire: () => void, ms: number | undefined): Entry | undefined {
    return this.#over ? undefined : this.#add(fire, ms, false);
  }

  remove(entry: Entry): void {
    this.#remove(entry);
  }

  #add(fire: () => void, ms: number | undefined, enforces: boolean): Entry {
    const delay = Number(ms);
    const due = this.now + (delay >= 1 && delay <= LONGEST_MS ? Math.trunc(delay) : 1);
    const entry = { due, order: this.#count, fire, enforces };
    this.#count += 1;
    this.#entries.push(entry);
    this.#schedule();
    return entry;
  }

  #remove(entry: Entry): void {
    const index = this.#entries.indexOf(entry);
    if (index >= 0) this.#entries.splice(index, 1);
  }

  #next(): Entry | undefined {
    let first: Entry | undefined;
    for (const entry of this.#entries) {
      if (first === undefined || entry.due < first.due) first = entry;
      else if (entry.due === first.due && entry.order < first.order) first = entry;
    }
    return first;
  }

  #schedule(): void {
    if (this.#turning || !this.waiting) return;
    this.#turning = true;
    this.#turn(() => {
      this.#turning = false;
      try {
        this.#once();
      } finally {
        this.#schedule();
      }
    });
  }

  /** One callback; promises settle before the next turn. */
  #once(): void {
    if (!this.waiting) return;
    const next = this.#next();
    if (next?.enforces !== true) this.now += TURN_MS;
    if (next !== undefined && (next.due <= this.now || this.#soon.length === 0)) this.#fire(next);
    else this.#soon.shift()?.fire();
  }

  #fire(entry: Entry): void {
    this.#remove(entry);
    // A timeout that is enforced is no event of the world: it must not move its clock. The runner sets more of them
    // when the real machine is slow.
    if (!entry.enforces) this.now = Math.max(this.now, entry.due) + this.#lateness();
    entry.fire();
  }
}

/** What `setTimeout` returns. */
class VirtualTimer {
  static #ids = new Map<number, VirtualTimer>();
  static #last = 0;
  readonly #loop: VirtualLoop;
  readonly #ms: number | undefined;
  readonly #callback: () => void;
  readonly #id: number;
  #entry: Entry | undefined;

  static byId(id: unknown): VirtualTimer | undefined {
    return VirtualTimer.#ids.get(Number(id));
  }

  constructor(loop: VirtualLoop, callback: () => void, ms: number | undefined, repeats: boolean) {
    this.#loop = loop;
    this.#ms = ms;
    this.#callback = (): void => {
      this.#entry = repeats ? loop.add(this.#callback, ms) : undefined;
      callback();
    };
    VirtualTimer.#last += 1;
    this.#id = VirtualTimer.#last;
    this.#entry = loop.add(this.#callback, ms);
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }

  refresh(): this {
    this.close();
    this.#entry = this.#loop.add(this.#callback, this.#ms);
    return this;
  }

  close(): this {
    if (this.#entry !== undefined) this.#loop.remove(this.#entry);
    this.#entry = undefined;
    return this;
  }

  [Symbol.toPrimitive](): number {
    VirtualTimer.#ids.set(this.#id, this);
    return this.#id;
  }
}
