import { chai, getState, GLOBAL_EXPECT, setState } from '@vitest/expect';
import type { ExpectStatic } from '@vitest/expect';
import type { Test } from '@vitest/runner';
import { FakeClock } from './clock.ts';
import { checkCounts, createExpect, FRESH_COUNTS, installMatchers } from './expect.ts';
import { defineGlobals, trackedGlobals } from './globals.ts';
import type { RealmHost } from './host.ts';
import { createSnapshots } from './snapshots.ts';
import { createUtilities } from './vi.ts';

/** What the driver uses of a context. */
export interface Realm {
  /** What `vitest` exports besides the runner's functions. */
  exports: Record<string, unknown>;
  jest: unknown;
  /** An empty object of the context. */
  newObject(): object;
  /** Whether nothing was done that leaves traces outside of the tracked objects. */
  untouched(): boolean;
  /** Takes back what `vi` and `jest` have done, as far as it can be. */
  restore(): void;
  /** The objects of the context that every run shares. */
  tracked(): object[];
  open(): Promise<void>;
  beforeTry(test: Test): void;
  /** @throws when the test made another number of assertions than it announced */
  afterTry(test: Test): void;
  /** How often the test has called `expect`. */
  assertionsOf(test: Test): number;
  /** An `expect` of its own for the context of a test. */
  localExpect(test: Test): ExpectStatic;
  /** The content of the snapshot file after the run. */
  close(): Promise<string | null>;
}

/** A function that accepts any chain of calls and members: types are not checked here. */
function anyChain(): unknown {
  const chain: unknown = new Proxy(() => chain, {
    get: (_, key) => (key === 'then' ? undefined : chain),
    apply: () => chain,
  });
  return chain;
}

/** Sets up a context: globals, matchers, mocks, timers, snapshots. Evaluated inside of it. */
export function createRealm(host: RealmHost): Realm {
  defineGlobals(host);
  const timers = {
    setTimeout: globalThis.setTimeout,
    clearTimeout: globalThis.clearTimeout,
  };
  const clock = new FakeClock();
  let touched = false;
  const touch = (): void => {
    touched = true;
  };
  /** Mocks and clocks leave traces where nobody looks, but they can be taken back. */
  let used = false;
  const use = (): void => {
    used = true;
  };
  const snapshots = createSnapshots(host, touch);
  installMatchers(snapshots);
  const expect = createExpect(host, clock, timers, touch);
  const { vi, jest, restore } = createUtilities(host, clock, timers, use);
  const locals = new WeakMap<Test, ExpectStatic>();
  const expectTypeOf = anyChain();
  return {
    exports: {
      expect,
      assert: chai.assert,
      chai,
      should: chai.should,
      vi,
      vitest: vi,
      expectTypeOf,
      assertType: () => undefined,
      createExpect: (test?: Test) => createExpect(host, clock, timers, touch, test),
    },
    jest,
    newObject: () => ({}),
    untouched: () => !touched && !used,
    restore: () => {
      if (used) restore();
      used = false;
    },
    tracked: () => [
      ...trackedGlobals(),
      ...[expect, vi, jest, chai, chai.expect, chai.assert, chai.util, chai.config].map(Object),
      ...[chai.Assertion, chai.Assertion.prototype].map(Object),
    ],
    open: () => snapshots.open(),
    beforeTry(test) {
      snapshots.clearTest(test);
      setState({ ...FRESH_COUNTS, currentTestName: test.fullTestName }, expect);
      Reflect.set(globalThis, GLOBAL_EXPECT, expect);
    },
    afterTry: (test) => checkCounts(locals.get(test) ?? expect),
    assertionsOf(test) {
      const local = locals.get(test);
      return getState(expect).assertionCalls + (local ? getState(local).assertionCalls : 0);
    },
    localExpect(test) {
      const existing = locals.get(test);
      if (existing) return existing;
      const local = createExpect(host, clock, timers, touch, test);
      locals.set(test, local);
      return local;
    },
    close: () => snapshots.close(),
  };
}
