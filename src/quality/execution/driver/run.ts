import type { File, Suite, Task, Test, VitestRunner } from '@vitest/runner';
import type { Script } from 'node:vm';
import type { ContextPool } from './context-pool.ts';
import type { Instrument } from './instruments.ts';
import type { TestState } from './job.ts';
import { Modules, type SubjectScript } from './modules.ts';
import type * as RunnerFace from './runner-face.ts';

export interface RunInput {
  contexts: ContextPool;
  /** Whether the run must not share a context with an earlier one. */
  fresh: boolean;
  subject: SubjectScript;
  test: Script;
  testFileName: string;
  testTimeoutMs: number;
  requireAssertions: boolean;
  snapshot: string | null;
  instrument: Instrument;
  /** Whether a test is run at all. */
  wanted: (key: string) => boolean;
  /** Asked before each test: whether to leave it out, now that others have run. */
  skip?: (key: string) => boolean;
  /** The order in which tests and suites run that were found in this one. */
  order?: <Item>(found: readonly Item[]) => Item[];
  /** Runs the file once before, in the same context and on the same module; how that goes is not reported. */
  leftover?: boolean;
  /** Further modules that the test file's bundle asks for. */
  modules?: ReadonlyMap<string, Record<string, unknown>>;
  onFound?: (tests: { key: string; name: string }[]) => void;
  onTest?: (key: string) => void;
  onTested?: (result: TestResult) => void;
}

export interface TestResult {
  key: string;
  state: TestState;
  message?: string;
  /** It failed by an expectation, and not by an error on the way to one. */
  unmet: boolean;
  touched: string[];
}

export type RunResult =
  | { state: 'not-loaded'; message: string }
  | {
      state: 'ran';
      failed: boolean;
      loaded: string[];
      outside: string[];
      snapshot: string | null;
    };

function isTimeout(message: string): boolean {
  return /^(Test|Hook) timed out in \d+ms/.test(message);
}

/** What `expect` and its kin throw, custom matchers too; `actual` tells those apart from other errors. */
function isUnmet(test: Test): boolean {
  return (test.result?.errors ?? []).some(
    (error) => error.name === 'AssertionError' || Object.hasOwn(error, 'actual'),
  );
}

function firstError(task: Task): string | undefined {
  return task.result?.errors?.[0]?.message;
}

/** The error of the hook that kept a test from running. */
function hookError(test: Test): string | undefined {
  for (let suite: Suite | undefined = test.suite ?? test.file; suite; suite = suite.suite) {
    if (suite.result?.state === 'fail') {
      const message = firstError(suite);
      if (message !== undefined) return message;
    }
  }
  return firstError(test.file);
}

/** Names with their place among tests of the same name: what a test is called in every run. */
function keysOf(face: typeof RunnerFace, file: File): Map<Test, { key: string; name: string }> {
  const times = new Map<string, number>();
  const keys = new Map<Test, { key: string; name: string }>();
  for (const test of face.getTests(file)) {
    const name = test.fullTestName;
    const nth = (times.get(name) ?? 0) + 1;
    times.set(name, nth);
    keys.set(test, { key: nth === 1 ? name : `${name} #${nth}`, name });
  }
  return keys;
}

/** Runs a test file once in a fresh context. */
export async function runOnce(input: RunInput): Promise<RunResult> {
  const { instrument } = input;
  const { context, close } = input.contexts.open(
    {
      currentTest: () => face.getCurrentTest(),
      onTestFinished: (check) => face.api.onTestFinished(check),
      snapshot: input.snapshot,
      testPath: `/${input.testFileName}`,
      resetModules: () => modules.reset(),
      setTestTimeout: (ms) => {
        config.testTimeout = ms;
      },
    },
    input.fresh,
  );
  const { realm, runner: face } = context;
  const vitest = context.vitest();
  const modules = new Modules(
    context,
    input.subject,
    new Map<string, Record<string, unknown>>([
      ['vitest', vitest],
      ['vitest/globals', {}],
      ['@jest/globals', { ...vitest, jest: realm.jest }],
      ...(input.modules ?? []),
    ]),
  );

  const config: VitestRunner['config'] = {
    root: '/',
    setupFiles: [],
    name: undefined,
    passWithNoTests: false,
    testNamePattern: undefined,
    allowOnly: true,
    sequence: { seed: 1, hooks: 'stack', setupFiles: 'list' },
    chaiConfig: undefined,
    maxConcurrency: 5,
    testTimeout: input.testTimeoutMs,
    hookTimeout: Math.max(input.testTimeoutMs, 10_000),
    retry: 0,
    includeTaskLocation: false,
    tags: [],
    tagsFilter: undefined,
    strictTags: false,
  };
  let keys = new Map<Test, { key: string; name: string }>();
  const outside = new Set<string>();
  const takeOutside = (): void => {
    for (const key of instrument.take()) outside.add(key);
  };
  let loaded: string[] = [];
  let failed = false;
  let timedOut = false;
  let rehearsal = input.leftover === true;
  const reported = new Set<Test>();

  const report = (test: Test, touched: string[]): void => {
    const entry = keys.get(test);
    if (rehearsal || !entry || reported.has(test)) return;
    reported.add(test);
    const state = test.result?.state;
    const prevented = state === 'skip' ? hookError(test) : undefined;
    const message = prevented ?? firstError(test);
    const outcome: TestState =
      state === 'pass'
        ? 'passed'
        : state === 'fail' || prevented !== undefined
          ? message !== undefined && isTimeout(message)
            ? 'timeout'
            : 'failed'
          : 'skipped';
    if (outcome === 'failed' || outcome === 'timeout') failed = true;
    if (outcome === 'timeout') timedOut = true;
    input.onTested?.({
      key: entry.key,
      state: outcome,
      touched,
      unmet: outcome === 'failed' && isUnmet(test),
      ...(message === undefined || outcome === 'passed' ? {} : { message: message.slice(0, 2000) }),
    });
  };

  const runner: VitestRunner = {
    config,
    importFile: async () => {
      void modules.subject;
      loaded = instrument.take();
      const evaluate = context.evaluate(input.test);
      await evaluate(modules.require, `/${input.testFileName}`, '/');
    },
    onCollected(files) {
      const [file] = files;
      if (!file) return;
      keys = keysOf(face, file);
      serialize(file);
      if (input.order) arrange(file, input.order);
      if (!rehearsal && file.result?.state !== 'fail') input.onFound?.([...keys.values()]);
      for (const [test, { key }] of keys) {
        if (test.mode === 'run' && !input.wanted(key)) test.mode = 'skip';
      }
    },
    onBeforeRunTask(test) {
      takeOutside();
      const entry = keys.get(test);
      if (entry && input.skip?.(entry.key) === true) test.mode = 'skip';
      if (!rehearsal && test.mode === 'run' && entry) input.onTest?.(entry.key);
    },
    onBeforeTryTask: (test) => realm.beforeTry(test),
    onAfterTryTask(test) {
      realm.afterTry(test);
      if (input.requireAssertions && realm.assertionsOf(test) === 0) {
        throw new Error('the test asserts nothing');
      }
    },
    onAfterRunTask: (test) => report(test, instrument.take()),
    extendTaskContext(testContext) {
      Object.defineProperty(testContext, 'expect', {
        get: () => realm.localExpect(testContext.task as Test),
      });
      return testContext;
    },
  };
  try {
    await realm.open();
    if (rehearsal) await face.startTests([`/${input.testFileName}`], runner);
    rehearsal = false;
    const [file] = await face.startTests([`/${input.testFileName}`], runner);
    takeOutside();
    if (!file) return { state: 'not-loaded', message: 'The test file was not found' };
    if (keys.size === 0 || (file.result?.state === 'fail' && !ran(file))) {
      const message = firstError(file) ?? 'The file holds no test';
      return { state: 'not-loaded', message: message.replace(/ \/\S+$/, '') };
    }
    for (const test of keys.keys()) report(test, []);
    if (hookFailed(file)) failed = true;
    // A test may have broken what the snapshots need.
    const snapshot = await realm.close().catch(() => input.snapshot);
    return { state: 'ran', failed, loaded, outside: [...outside], snapshot };
  } finally {
    // What a promise still holds in store happens now, or waits for a timer.
    await new Promise((resolve) => setImmediate(resolve));
    close(!timedOut);
  }
}

/** Tests run one after the other, `concurrent` or not: what each touches must be told apart. */
function serialize(suite: Suite): void {
  for (const task of suite.tasks) {
    delete task.concurrent;
    if (task.type === 'suite') serialize(task);
  }
}

/** Puts tests into another order, and has each run once: trying again would hide what is looked for. */
function arrange(suite: Suite, order: NonNullable<RunInput['order']>): void {
  suite.tasks = order(suite.tasks);
  for (const task of suite.tasks) {
    if (task.type === 'suite') arrange(task, order);
    else delete task.retry;
  }
}

/** Whether running began: a file that fails to load fails before. */
function ran(file: File): boolean {
  return file.result?.duration !== undefined;
}

function hookFailed(suite: Suite): boolean {
  if ((suite.result?.errors?.length ?? 0) > 0) return true;
  return suite.tasks.some((task) => task.type === 'suite' && hookFailed(task));
}
