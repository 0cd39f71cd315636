import {
  clearAllMocks,
  fn,
  isMockFunction,
  resetAllMocks,
  restoreAllMocks,
  spyOn,
} from '@vitest/spy';
import type { Config } from '@sinonjs/fake-timers';
import type { FakeClock, RealTimers } from './clock.ts';
import type { RealmHost } from './host.ts';

type Utilities = Record<string, unknown>;

interface WaitOptions {
  timeout?: number;
  interval?: number;
}

/**
 * Calls `attempt` until it resolves, is `done`, or the time is over.
 * @param keepTrying whether an attempt that throws is followed by another
 */
function waiter(clock: FakeClock, timers: RealTimers, keepTrying: boolean) {
  return async (attempt: () => unknown, options: number | WaitOptions = {}): Promise<unknown> => {
    const { timeout = 1000, interval = 50 } =
      typeof options === 'number' ? { timeout: options } : options;
    const name = keepTrying ? 'waitFor' : 'waitUntil';
    let last: unknown = new Error(`Timed out in ${name}!`);
    let over = false;
    const timer = timers.setTimeout(() => {
      over = true;
    }, timeout);
    try {
      for (;;) {
        if (clock.faking) clock.required.tick(interval);
        try {
          const result = await attempt();
          if (keepTrying || result) return result;
        } catch (error) {
          if (!keepTrying) throw error;
          last = error;
        }
        if (over) throw last;
        await new Promise((resolve) => {
          timers.setTimeout(resolve, interval);
        });
      }
    } finally {
      timers.clearTimeout(timer);
    }
  };
}

function mockStubs(host: RealmHost) {
  const globals = new Map<PropertyKey, PropertyDescriptor | undefined>();
  const variables = new Map<string, string | undefined>();
  const environment = (): Record<string, string | undefined> => process.env;
  return {
    stubGlobal(this: unknown, name: PropertyKey, value: unknown) {
      if (!globals.has(name)) {
        globals.set(name, Object.getOwnPropertyDescriptor(globalThis, name));
      }
      const descriptor = { value, writable: true, configurable: true, enumerable: true };
      Object.defineProperty(globalThis, name, descriptor);
      return this;
    },
    unstubAllGlobals(this: unknown) {
      for (const [name, original] of globals) {
        if (original) Object.defineProperty(globalThis, name, original);
        else Reflect.deleteProperty(globalThis, name);
      }
      globals.clear();
      return this;
    },
    stubEnv(this: unknown, name: string, value: string | boolean | undefined) {
      const env = environment();
      if (!variables.has(name)) variables.set(name, env[name]);
      if (value === undefined) delete env[name];
      else env[name] = String(value);
      return this;
    },
    unstubAllEnvs(this: unknown) {
      const env = environment();
      for (const [name, original] of variables) {
        if (original === undefined) delete env[name];
        else env[name] = original;
      }
      variables.clear();
      return this;
    },
    resetModules(this: unknown) {
      host.resetModules();
      return this;
    },
  };
}

function timerUtilities(clock: FakeClock): Utilities {
  // Every function gives the utilities back, so that calls can be chained.
  const chain =
    (action: (...args: never[]) => unknown) =>
    (...args: never[]): unknown => {
      action(...args);
      return self;
    };
  const chainAsync =
    (action: (...args: never[]) => Promise<unknown>) =>
    async (...args: never[]): Promise<unknown> => {
      await action(...args);
      return self;
    };
  const self: Utilities = {
    useFakeTimers: chain((options?: Config) => clock.install(options)),
    useRealTimers: chain(() => clock.restore()),
    isFakeTimers: () => clock.faking,
    setSystemTime: chain((time?: number | string | Date) => clock.setSystemTime(time)),
    getMockedSystemTime: () => clock.mockedTime(),
    getRealSystemTime: () => clock.realTime(),
    advanceTimersByTime: chain((ms: number) => clock.required.tick(ms)),
    advanceTimersByTimeAsync: chainAsync((ms: number) => clock.required.tickAsync(ms)),
    advanceTimersToNextTimer: chain((steps = 1) => clock.next(steps)),
    advanceTimersToNextTimerAsync: chainAsync((steps = 1) => clock.nextAsync(steps)),
    advanceTimersToNextFrame: chain(() => clock.required.runToFrame()),
    runAllTimers: chain(() => clock.required.runAll()),
    runAllTimersAsync: chainAsync(() => clock.required.runAllAsync()),
    runOnlyPendingTimers: chain(() => clock.required.runToLast()),
    runOnlyPendingTimersAsync: chainAsync(() => clock.required.runToLastAsync()),
    runAllTicks: chain(() => clock.required.runMicrotasks()),
    getTimerCount: () => clock.required.countTimers(),
    setTimerTickMode: chain((mode: 'manual' | 'nextTimerAsync' | 'interval', delta?: number) =>
      clock.setTickMode(mode, delta),
    ),
    clearAllTimers: chain(() => clock.clearTimers()),
  };
  return self;
}

function unavailable(name: string): () => never {
  return () => {
    throw new Error(
      `${name}() is not available: the subject is the only module and imports nothing to mock`,
    );
  };
}

/**
 * Builds `vi` and, with its extra functions, `jest`.
 * @param onUse called whenever one of their functions is: mocks and clocks leave traces where nobody looks
 * @returns with them, what takes back mocks, clocks and stubs
 */
export function createUtilities(
  host: RealmHost,
  clock: FakeClock,
  timers: RealTimers,
  onUse: () => void,
): { vi: Utilities; jest: Utilities; restore: () => void } {
  const vi = timerUtilities(clock);
  const chain = (action: () => unknown) => () => {
    action();
    return vi;
  };
  const stubs = mockStubs(host);
  Object.assign(vi, stubs, {
    fn,
    spyOn,
    isMockFunction,
    mocked: (item: unknown) => item,
    clearAllMocks: chain(clearAllMocks),
    resetAllMocks: chain(resetAllMocks),
    restoreAllMocks: chain(restoreAllMocks),
    waitFor: waiter(clock, timers, true),
    waitUntil: waiter(clock, timers, false),
    hoisted: (factory: () => unknown) => factory(),
    dynamicImportSettled: () => Promise.resolve(),
    setConfig: (config: { testTimeout?: number }) => {
      if (config.testTimeout !== undefined) host.setTestTimeout(config.testTimeout);
    },
    resetConfig: () => undefined,
  });
  const mocking = 'mock unmock doMock doUnmock importActual importMock mockObject';
  for (const name of mocking.split(' ')) vi[name] = unavailable(`vi.${name}`);

  const jest: Utilities = Object.create(vi);
  const now = (): number => clock.mockedTime()?.getTime() ?? clock.realTime();
  Object.assign(jest, { setTimeout: (ms: number) => host.setTestTimeout(ms), now });
  const modules =
    'mock unmock doMock dontMock requireActual requireMock createMockFromModule genMockFromModule isolateModules isolateModulesAsync';
  for (const name of modules.split(' ')) jest[name] = unavailable(`jest.${name}`);
  for (const utilities of [vi, jest]) {
    for (const [name, utility] of Object.entries(utilities)) {
      if (typeof utility !== 'function') continue;
      utilities[name] = (...args: unknown[]): unknown => {
        onUse();
        return Reflect.apply(utility, utilities, args);
      };
    }
  }
  const restore = (): void => {
    clock.restore();
    restoreAllMocks();
    stubs.unstubAllGlobals();
    stubs.unstubAllEnvs();
  };
  return { vi, jest, restore };
}
