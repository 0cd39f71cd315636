import type { Performance } from 'node:perf_hooks';
import type { Dimension, Perturbation } from '../perturbation.ts';
import { shuffled, streamOf, type Stream } from './streams.ts';
import type { Surroundings } from './surroundings.ts';
import { VirtualLoop } from './virtual-loop.ts';

const ZONES = [
  'UTC',
  'America/New_York',
  'Europe/Berlin',
  'Asia/Kolkata',
  'Asia/Tokyo',
  'Pacific/Auckland',
] as const;
const HOUR_MS = 3_600_000;
/** A working day in winter, in UTC: when nothing is varied. */
const STILL_START = Date.UTC(2026, 1, 11, 10, 30);
const FIRST_START = Date.UTC(2026, 0, 1);
const LAST_START = Date.UTC(2028, 0, 1);
/** Ends of months, of a year and of summer time: near them clocks are met most often. */
const AWKWARD_STARTS = [
  Date.UTC(2026, 0, 31, 12),
  Date.UTC(2026, 2, 29, 1),
  Date.UTC(2026, 4, 31, 12),
  Date.UTC(2026, 10, 1, 6),
  Date.UTC(2026, 11, 31, 23, 59, 59),
  Date.UTC(2027, 7, 31, 0),
];
const AWKWARD_SHARE = 0.4;

/** Evaluated in the context: its `Date` tells the world's time, its `Math.random` draws from the world. */
const PRELUDE = `(now, random) => {
  const Real = Date;
  const read = () => now();
  const Virtual = new Proxy(Real, {
    construct: (target, args, made) =>
      Reflect.construct(target, args.length === 0 ? [read()] : args, made === Virtual ? target : made),
    apply: () => new Real(read()).toString(),
  });
  Object.defineProperty(Real, 'now', { value: read, writable: true, configurable: true });
  Object.defineProperty(Real.prototype, 'constructor', { value: Virtual, writable: true, configurable: true });
  Object.defineProperty(globalThis, 'Date', { value: Virtual, writable: true, configurable: true });
  Math.random = () => random();
}`;

/** The machine, the clock and the chance that a run meets: all of it drawn from the run's seed. */
export class World {
  readonly loop = new VirtualLoop();
  #perturbation: Perturbation = { seed: 0, vary: [], still: 0 };
  #random: Stream = Math.random;
  #salts: Stream = Math.random;
  #reading: () => number = () => 0;
  #start = STILL_START;
  #zone = 'UTC';

  /** Begins a run. */
  begin(perturbation: Perturbation): void {
    this.#perturbation = perturbation;
    this.#random = this.#stream('random');
    this.#salts = this.#stream('iteration');
    const clock = this.#stream('clock');
    const varies = this.#varies('clock');
    this.#zone = varies ? (ZONES[Math.floor(clock() * ZONES.length)] ?? 'UTC') : 'UTC';
    this.#start = varies ? startOf(clock) : STILL_START;
    // Reading a clock takes no time that one can see, or some.
    this.#reading = varies ? () => (clock() < 0.8 ? 0 : clock() * 1.5) : () => 0;
    this.loop.start(this.#start, this.#varies('load') ? latenessOf(this.#stream('load')) : () => 0);
    process.env['TZ'] = this.#zone;
  }

  get zone(): string {
    return this.#zone;
  }

  get startedAt(): string {
    return new Date(this.#start).toISOString().replace(/\.\d+/, '');
  }

  get tookMs(): number {
    return Math.round(this.loop.now - this.#start);
  }

  /** Whether the file runs twice, on the same module. */
  get leftover(): boolean {
    return this.#varies('leftover') && this.#stream('leftover')() < 0.25;
  }

  order<Item>(items: readonly Item[]): Item[] {
    return this.#varies('order') ? shuffled(items, this.#stream('order')) : [...items];
  }

  /** Begins a test. What does not vary is drawn the same for it whichever tests ran before. */
  beginTest(): void {
    if (!this.#varies('random')) this.#random = this.#stream('random');
    if (!this.#varies('iteration')) this.#salts = this.#stream('iteration');
  }

  /** What the machine around the tests is like, drawn anew each time it is asked; 0.5 while that does not vary. */
  host(): Stream {
    return this.#varies('host') ? this.#stream('host') : () => 0.5;
  }

  #stream(dimension: Dimension): Stream {
    const { seed, still } = this.#perturbation;
    return streamOf(this.#varies(dimension) ? seed : still, dimension);
  }

  surroundings(): Surroundings {
    const now = (): number => {
      this.loop.pass(this.#reading());
      return Math.floor(this.loop.now);
    };
    const elapsed = (): number => {
      this.loop.pass(this.#reading());
      return this.loop.now - this.#start;
    };
    const { sleep } = this.loop;
    const immediately = (value?: unknown): Promise<unknown> => sleep(0, value);
    return {
      timers: this.loop,
      performance: this.#performance(elapsed),
      process: this.#process(elapsed),
      globals: { crypto: this.#crypto() },
      modules: new Map<string, unknown>([
        ['timers', this.loop.globals()],
        [
          'timers/promises',
          { setTimeout: sleep, setImmediate: immediately, scheduler: { wait: sleep } },
        ],
      ]),
      environment: {
        // Node takes a new time zone from its environment at once.
        TZ: {
          get: () => process.env['TZ'],
          set: (zone: unknown) => {
            process.env['TZ'] = String(zone);
          },
          enumerable: true,
          configurable: true,
        },
      },
      prelude: PRELUDE,
      tools: [now, () => this.#random()],
    };
  }

  /** The clock of the test runner: reading it takes no time. */
  runnerClock(): Performance {
    return this.#performance(() => this.loop.now - this.#start);
  }

  #varies(dimension: Dimension): boolean {
    return this.#perturbation.vary.includes(dimension);
  }

  #performance(elapsed: () => number): Performance {
    const start = (): number => this.#start;
    return Object.create(performance, {
      now: { value: elapsed },
      timeOrigin: { get: start },
    });
  }

  #process(elapsed: () => number): NodeJS.Process {
    const hrtime = (since: [number, number] = [0, 0]): [number, number] => {
      const nanos = Math.round(elapsed() * 1e6) - (since[0] * 1e9 + since[1]);
      return [Math.floor(nanos / 1e9), nanos % 1e9];
    };
    const bigint = (): bigint => BigInt(Math.round(elapsed() * 1e6));
    return Object.create(process, {
      hrtime: { value: Object.assign(hrtime, { bigint }) },
      uptime: { value: () => elapsed() / 1000 },
    });
  }

  /** Node's, but what it draws is drawn from the world: salts of tables as iteration order, UUIDs as chance. */
  #crypto(): unknown {
    const getRandomValues = <View extends ArrayBufferView>(view: View): View => {
      const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
      for (let index = 0; index < bytes.length; index += 1)
        bytes[index] = Math.floor(this.#salts() * 256);
      return view;
    };
    const digits = (count: number): string =>
      Array.from({ length: count }, () => Math.floor(this.#random() * 16).toString(16)).join('');
    const randomUUID = (): string =>
      `${digits(8)}-${digits(4)}-4${digits(3)}-8${digits(3)}-${digits(12)}`;
    return { subtle: crypto.subtle, getRandomValues, randomUUID };
  }
}

function startOf(clock: Stream): number {
  if (clock() < AWKWARD_SHARE) {
    const near = AWKWARD_STARTS[Math.floor(clock() * AWKWARD_STARTS.length)] ?? STILL_START;
    return Math.floor(near + (clock() - 0.5) * 24 * HOUR_MS);
  }
  return Math.floor(FIRST_START + clock() * (LAST_START - FIRST_START));
}

/** Most often a little late; now and then held up, more often on a busy machine. */
function latenessOf(load: Stream): () => number {
  const busy = 0.02 + 0.2 * load();
  return () => {
    const chance = load();
    if (chance < busy) return 4 + 56 * load();
    return chance < 0.5 ? 0.3 * load() : 1.5 * load();
  };
}
