import { withGlobal } from '@sinonjs/fake-timers';
import type { Clock, Config } from '@sinonjs/fake-timers';

/** The timers of the context as they were before anything replaced them. */
export interface RealTimers {
  setTimeout: typeof globalThis.setTimeout;
  clearTimeout: typeof globalThis.clearTimeout;
}

type Millis = number;

type FakeMethod = NonNullable<Config['toFake']>[number];

/** The names come from the library that takes them; faking these two would stop promises. */
function isFakedByDefault(name: string): name is FakeMethod {
  return name !== 'nextTick' && name !== 'queueMicrotask';
}

/** The fake timers behind `vi` and `jest`: one clock at a time, the real one by default. */
export class FakeClock {
  readonly #timers = withGlobal(globalThis);
  readonly #realNow = Date.now.bind(Date);
  #clock: Clock | undefined;
  /** A clock that only holds `Date` still: `setSystemTime` without fake timers. */
  #date: Clock | undefined;

  get faking(): boolean {
    return this.#clock !== undefined;
  }

  install(options: Config = {}): void {
    const now = Date.now();
    this.restore();
    const all = Object.keys(this.#timers.timers).filter(isFakedByDefault);
    this.#clock = this.#timers.install({
      now,
      loopLimit: 10_000,
      shouldClearNativeTimers: true,
      toFake: all,
      ignoreMissingTimers: true,
      ...options,
    });
  }

  restore(): void {
    this.#clock?.uninstall();
    this.#date?.uninstall();
    this.#clock = undefined;
    this.#date = undefined;
  }

  setSystemTime(time?: Millis | string | Date): void {
    const now = time === undefined ? this.#realNow() : new Date(time).getTime();
    if (Number.isNaN(now)) throw new TypeError(`The time set is an invalid date: ${String(time)}`);
    if (this.#clock) {
      this.#clock.setSystemTime(now);
      return;
    }
    this.#date?.uninstall();
    this.#date = this.#timers.install({ now, toFake: ['Date'] });
  }

  mockedTime(): Date | null {
    const clock = this.#clock ?? this.#date;
    return clock ? new Date(clock.now) : null;
  }

  realTime(): Millis {
    return this.#realNow();
  }

  /** The clock that tests advance. */
  get required(): Clock {
    if (!this.#clock) {
      throw new Error(
        'A function to advance timers was called but the timers APIs are not mocked. Call `vi.useFakeTimers()` in the test file first.',
      );
    }
    return this.#clock;
  }

  clearTimers(): void {
    this.#clock?.reset();
  }

  /** How time passes by itself: not at all, from timer to timer, or in real time by `delta` milliseconds. */
  setTickMode(mode: 'manual' | 'nextTimerAsync' | 'interval', delta = 20): void {
    if (mode === 'interval') this.required.setTickMode({ mode, delta });
    else this.required.setTickMode({ mode: mode === 'manual' ? mode : 'nextAsync' });
  }

  next(steps: number): void {
    for (let step = 0; step < steps; step++) {
      this.required.next();
      this.required.tick(0);
      if (this.required.countTimers() === 0) return;
    }
  }

  async nextAsync(steps: number): Promise<void> {
    for (let step = 0; step < steps; step++) {
      await this.required.nextAsync();
      this.required.tick(0);
      if (this.required.countTimers() === 0) return;
    }
  }
}
