import {
  addCustomEqualityTesters,
  ASYMMETRIC_MATCHERS_OBJECT,
  chai,
  ChaiStyleAssertions,
  customMatchers,
  getState,
  GLOBAL_EXPECT,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  setState,
} from '@vitest/expect';
import type { ExpectStatic, MatcherState } from '@vitest/expect';
import type { Test } from '@vitest/runner';
import type { FakeClock, RealTimers } from './clock.ts';
import { createPoll } from './poll.ts';
import type { RealmHost } from './host.ts';
import type { Snapshots } from './snapshots.ts';

/** What @vitest/expect adds to assertions of chai, of which the types tell nothing. */
export interface InternalAssertion {
  withTest(test: Test): InternalAssertion;
  withContext(context: { soft?: boolean; poll?: boolean }): InternalAssertion;
}

function internal(assertion: object): InternalAssertion {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `installMatchers` has added them
  return assertion as InternalAssertion;
}

/** Installs the matchers; once per context, before any `expect` is made. */
export function installMatchers(snapshots: Snapshots): void {
  chai.use(JestExtend);
  chai.use(JestChaiExpect);
  chai.use(ChaiStyleAssertions);
  chai.use(snapshots.plugin);
  chai.use(JestAsymmetricMatchers);
}

/** Assertion counts, as a test begins. */
export const FRESH_COUNTS = {
  assertionCalls: 0,
  isExpectingAssertions: false,
  isExpectingAssertionsError: null,
  expectedAssertionsNumber: null,
  expectedAssertionsNumberErrorGen: null,
} satisfies Partial<MatcherState>;

/**
 * An `expect` with every matcher of vitest.
 * @param onChange called when a test changes what is equal, for good
 * @param test the test it belongs to; the global one asks the host which test runs
 */
export function createExpect(
  host: RealmHost,
  clock: FakeClock,
  timers: RealTimers,
  onChange: () => void,
  test?: Test,
): ExpectStatic {
  const base = (value: unknown, message?: string): InternalAssertion => {
    const { assertionCalls } = getState(expect);
    setState({ assertionCalls: assertionCalls + 1 }, expect);
    const assertion = internal(chai.expect(value, message));
    const owner = test ?? host.currentTest();
    return owner ? assertion.withTest(owner) : assertion;
  };
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the members follow
  const expect = base as unknown as ExpectStatic;
  // The type of chai knows nothing of this function.
  const extend: (target: unknown, matchers: object) => void = Reflect.get(chai.expect, 'extend');
  const asymmetric: unknown = Reflect.get(globalThis, ASYMMETRIC_MATCHERS_OBJECT);
  Object.assign(expect, chai.expect, asymmetric);
  setState({ ...FRESH_COUNTS, testPath: host.testPath }, expect);
  Object.assign(expect, {
    getState: () => getState(expect),
    setState: (state: Partial<MatcherState>) => setState(state, expect),
    assert: chai.assert,
    extend: (matchers: object) => extend(expect, matchers),
    addEqualityTesters: (testers: never) => {
      onChange();
      addCustomEqualityTesters(testers);
    },
    soft: (value: unknown, message?: string) => base(value, message).withContext({ soft: true }),
    poll: createPoll(host, base, clock, timers),
    unreachable: (message?: string) =>
      chai.assert.fail(`expected${message === undefined ? '' : ` "${message}"`} not to be reached`),
  });
  chai.util.addMethod(expect, 'assertions', (expected: number) => {
    const error = (): Error =>
      new chai.AssertionError(
        `expected number of assertions to be ${expected}, but got ${getState(expect).assertionCalls}`,
      );
    setState(
      { expectedAssertionsNumber: expected, expectedAssertionsNumberErrorGen: error },
      expect,
    );
  });
  chai.util.addMethod(expect, 'hasAssertions', () => {
    const error = new chai.AssertionError('expected any number of assertion, but got none');
    setState({ isExpectingAssertions: true, isExpectingAssertionsError: error }, expect);
  });
  expect.extend(customMatchers);
  if (test === undefined) {
    Object.defineProperty(globalThis, GLOBAL_EXPECT, {
      value: expect,
      writable: true,
      configurable: true,
    });
  }
  return expect;
}

/** Fails when a test made another number of assertions than it announced. */
export function checkCounts(expect: ExpectStatic): void {
  const state = getState(expect);
  const expected = state.expectedAssertionsNumber ?? null;
  if (expected !== null && state.assertionCalls !== expected) {
    throw state.expectedAssertionsNumberErrorGen?.() ?? new Error('wrong number of assertions');
  }
  if (state.isExpectingAssertions === true && state.assertionCalls === 0) {
    throw state.isExpectingAssertionsError ?? new Error('no assertion');
  }
}
