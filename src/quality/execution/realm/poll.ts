import { chai } from '@vitest/expect';
import type { FakeClock, RealTimers } from './clock.ts';
import type { InternalAssertion } from './expect.ts';
import type { RealmHost } from './host.ts';

interface PollOptions {
  interval?: number;
  timeout?: number;
  message?: string;
}

type Method = (this: unknown, ...args: unknown[]) => unknown;

function isMethod(value: unknown): value is Method {
  return typeof value === 'function';
}

/** `expect.poll`: repeats a function until the matcher passes on what it gives, or the time is over. */
export function createPoll(
  host: RealmHost,
  expect: (value: unknown, message?: string) => InternalAssertion,
  clock: FakeClock,
  timers: RealTimers,
) {
  return (produce: () => unknown, options: PollOptions = {}): unknown => {
    const { interval = 50, timeout = 1000, message } = options;
    const assertion = expect(null, message).withContext({ poll: true });
    if (!host.currentTest()) throw new Error('expect.poll() must be called inside a test');

    async function settle(matcher: Method, args: unknown[]): Promise<unknown> {
      let over = false;
      const timer = timers.setTimeout(() => {
        over = true;
      }, timeout);
      try {
        for (;;) {
          const last = over;
          try {
            chai.util.flag(assertion, 'object', await produce());
            return await matcher.apply(assertion, args);
          } catch (error) {
            if (last) throw error;
            await new Promise((resolve) => {
              timers.setTimeout(resolve, interval);
            });
            if (clock.faking) clock.required.tick(interval);
          }
        }
      } finally {
        timers.clearTimeout(timer);
      }
    }

    /** The assertion starts when it is awaited; one that never is fails its test. */
    function pending(name: string, matcher: Method, args: unknown[]): Promise<unknown> {
      let result: Promise<unknown> | undefined;
      const start = (): Promise<unknown> => (result ??= settle(matcher, args));
      host.onTestFinished(() => {
        if (!result) throw new Error(`expect.poll(assertion).${name}() was not awaited`);
      });
      return {
        // oxlint-disable-next-line unicorn/no-thenable -- awaiting it is what starts the polling
        then: (onFulfilled, onRejected) => start().then(onFulfilled, onRejected),
        catch: (onRejected) => start().catch(onRejected),
        finally: (onFinally) => start().finally(onFinally),
        [Symbol.toStringTag]: 'Promise',
      };
    }

    const proxy: object = new Proxy(assertion, {
      get(target, key, receiver) {
        const member: unknown = Reflect.get(target, key, receiver);
        if (!isMethod(member)) {
          return member instanceof chai.Assertion ? proxy : member;
        }
        if (key === 'assert' || typeof key !== 'string') return member;
        return (...args: unknown[]) => pending(key, member, args);
      },
    });
    return proxy;
  };
}
