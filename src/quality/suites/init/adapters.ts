/**
 * Brings tests that were written for another library to the grader's runner. Each text is JavaScript that stands in
 * the reference before the tests; what it defines is used in place of the library.
 */
export interface Adapter {
  /** An expression for what `require` gives of the library. */
  expression: string;
  /** Names of the texts that the expression needs. */
  needs: readonly (keyof typeof TEXTS)[];
}

export const TEXTS = {
  counted: `/** A library of assertions, whose calls count as expectations. */
function counted(library, called = '') {
  return new Proxy(library, {
    apply(target, self, args) {
      globalThis.expect(args[0]);
      // Node's own assert does not know the errors of another context.
      const [, error] = args;
      if (/^(throws|rejects)$/.test(called) && error instanceof Error) {
        args[1] = { ...error, name: error.name, message: error.message };
      }
      return Reflect.apply(target, self, args);
    },
    get(target, name) {
      const value = Reflect.get(target, name);
      return typeof value === 'function' && !/^[A-Z]/.test(String(name)) ? counted(value, String(name)) : value;
    },
  });
}`,
  adapted: `/** Another library's \`test(name, options, body)\` on this runner: \`perform\` calls the body as that library does. */
function adapted(perform) {
  const on = (run) => (...args) => {
    const body = args.findLast((arg) => typeof arg === 'function');
    const [name = body?.name] = args.filter((arg) => typeof arg === 'string');
    const { skip, todo } = args.find((arg) => typeof arg === 'object' && arg !== null) ?? {};
    return body === undefined || skip || todo ? globalThis.it.skip(name, () => {}) : run(name, () => perform(body));
  };
  return Object.assign(on(globalThis.it), { skip: on(globalThis.it.skip), only: on(globalThis.it.only), todo: on(globalThis.it.todo), serial: on(globalThis.it) });
}`,
  nodeTest: `const nodeTests = (() => {
  const perform = (body) => {
    const context = {
      assert: counted(require('node:assert')),
      plan() {},
      diagnostic() {},
      after: (hook) => globalThis.onTestFinished(hook),
      test: (...args) => Promise.resolve(perform(args.findLast((arg) => typeof arg === 'function'))),
    };
    if (body.length < 2) return body(context);
    return new Promise((resolve, reject) => body(context, (error) => (error ? reject(error) : resolve())));
  };
  const test = adapted(perform);
  const hooks = { before: globalThis.beforeAll, after: globalThis.afterAll, beforeEach: globalThis.beforeEach, afterEach: globalThis.afterEach };
  return Object.assign(test, { test, it: test, default: test, describe: globalThis.describe, suite: globalThis.describe, ...hooks });
})();`,
  tape: `const tapeTests = (() => {
  const assert = counted(require('node:assert'));
  const isMessage = (value) => value === undefined || typeof value === 'string';
  const checks = {
    ok: (value) => assert.ok(value),
    notOk: (value) => assert.ok(!value),
    equal: (a, b) => assert.strictEqual(a, b),
    notEqual: (a, b) => assert.notStrictEqual(a, b),
    looseEqual: (a, b) => assert.equal(a, b),
    notLooseEqual: (a, b) => assert.notEqual(a, b),
    deepEqual: (a, b) => assert.deepStrictEqual(a, b),
    notDeepEqual: (a, b) => assert.notDeepStrictEqual(a, b),
    deepLooseEqual: (a, b) => assert.deepEqual(a, b),
    throws: (action, kind) => (isMessage(kind) ? assert.throws(action) : assert.throws(action, kind)),
    doesNotThrow: (action) => assert.doesNotThrow(action),
    match: (text, pattern) => assert.match(text, pattern),
    doesNotMatch: (text, pattern) => assert.doesNotMatch(text, pattern),
    error: (value) => assert.ok(!value),
    fail: (message) => assert.fail(message),
    pass: () => assert.ok(true),
  };
  const others = {
    ok: 'true assert', notOk: 'false notok', equal: 'equals isEqual strictEqual strictEquals is',
    notEqual: 'notEquals isNot not notStrictEqual', deepEqual: 'deepEquals isEquivalent same strictSame',
    notDeepEqual: 'notDeepEquals notSame', error: 'ifError ifErr iferror',
  };
  for (const [name, list] of Object.entries(others)) for (const other of list.split(' ')) checks[other] = checks[name];
  const perform = (body) =>
    new Promise((resolve, reject) => {
      let planned;
      let made = 0;
      let inner = Promise.resolve();
      const later = [];
      const end = () => inner.then(() => later.forEach((hook) => hook())).then(resolve, reject);
      const t = {
        end,
        plan(count) { planned = count; },
        comment() {},
        timeoutAfter() {},
        teardown: (hook) => later.push(hook),
        test: (...args) => (inner = inner.then(() => perform(args.findLast((arg) => typeof arg === 'function')))),
      };
      for (const [name, check] of Object.entries(checks)) {
        t[name] = (...args) => {
          try {
            check(...args);
          } catch (error) {
            reject(error);
          }
          made += 1;
          if (made === planned) end();
        };
      }
      t.rejects = (promise, kind) => (isMessage(kind) ? assert.rejects(promise) : assert.rejects(promise, kind));
      Promise.resolve(body(t)).then((ended) => (body.constructor.name === 'AsyncFunction' ? end() : ended), reject);
    });
  const test = adapted(perform);
  return Object.assign(test, { test, default: test });
})();`,
  ava: `const avaTests = (() => {
  const holds = (error, wanted = {}) => {
    if (wanted.instanceOf) globalThis.expect(error).toBeInstanceOf(wanted.instanceOf);
    if (wanted.name) globalThis.expect(error.name).toBe(wanted.name);
    if (wanted.code) globalThis.expect(error.code).toBe(wanted.code);
    if (wanted.is) globalThis.expect(error).toBe(wanted.is);
    if (wanted.message instanceof RegExp) globalThis.expect(error.message).toMatch(wanted.message);
    else if (typeof wanted.message === 'string') globalThis.expect(error.message).toBe(wanted.message);
    else if (wanted.message) globalThis.expect(wanted.message(error.message)).toBe(true);
    return error;
  };
  const perform = (body) =>
    body({
      is: (a, b) => globalThis.expect(a).toBe(b),
      not: (a, b) => globalThis.expect(a).not.toBe(b),
      deepEqual: (a, b) => globalThis.expect(a).toStrictEqual(b),
      notDeepEqual: (a, b) => globalThis.expect(a).not.toStrictEqual(b),
      like: (a, b) => globalThis.expect(a).toMatchObject(b),
      true: (a) => globalThis.expect(a).toBe(true),
      false: (a) => globalThis.expect(a).toBe(false),
      truthy: (a) => globalThis.expect(a).toBeTruthy(),
      assert: (a) => globalThis.expect(a).toBeTruthy(),
      falsy: (a) => globalThis.expect(a).toBeFalsy(),
      regex: (text, pattern) => globalThis.expect(text).toMatch(pattern),
      notRegex: (text, pattern) => globalThis.expect(text).not.toMatch(pattern),
      pass: () => globalThis.expect(true).toBe(true),
      fail: (message) => globalThis.expect.unreachable(message),
      plan() {},
      log() {},
      timeout() {},
      throws(action, wanted) {
        let thrown;
        globalThis.expect(() => {
          try {
            action();
          } catch (error) {
            thrown = error;
            throw error;
          }
        }).toThrow();
        return holds(thrown, wanted);
      },
      async throwsAsync(action, wanted) {
        const promise = typeof action === 'function' ? action() : action;
        const outcome = await promise.then(() => ({}), (error) => ({ error }));
        globalThis.expect(outcome).toHaveProperty('error');
        return holds(outcome.error, wanted);
      },
      notThrows: (action) => globalThis.expect(action).not.toThrow(),
      notThrowsAsync: async (action) =>
        globalThis.expect(await (typeof action === 'function' ? action() : action)).not.toBe(action),
    });
  const test = adapted(perform);
  const hooks = { before: globalThis.beforeAll, after: globalThis.afterAll, beforeEach: globalThis.beforeEach, afterEach: globalThis.afterEach };
  return Object.assign(test, { default: test, ...hooks });
})();`,
  chai: `const chaiLibrary = { expect: globalThis.expect, assert: counted(globalThis.assert) };`,
};

const NODE_ASSERT: Adapter = { expression: "counted(require('node:assert'))", needs: ['counted'] };
const STRICT_ASSERT: Adapter = {
  expression: "counted(require('node:assert').strict)",
  needs: ['counted'],
};
const NODE_TEST: Adapter = { expression: 'nodeTests', needs: ['counted', 'adapted', 'nodeTest'] };
const TAPE: Adapter = { expression: 'tapeTests', needs: ['counted', 'adapted', 'tape'] };

export const ADAPTERS: Readonly<Record<string, Adapter>> = {
  assert: NODE_ASSERT,
  'node:assert': NODE_ASSERT,
  'assert/strict': STRICT_ASSERT,
  'node:assert/strict': STRICT_ASSERT,
  'node:test': NODE_TEST,
  tape: TAPE,
  tap: TAPE,
  ava: { expression: 'avaTests', needs: ['adapted', 'ava'] },
  chai: { expression: 'chaiLibrary', needs: ['counted', 'chai'] },
};

/** Mocha’s globals that the runner calls otherwise. */
export const MOCHA_NAMES: Readonly<Record<string, string>> = {
  before: 'beforeAll',
  after: 'afterAll',
  context: 'describe',
  specify: 'it',
};
