import { readFileSync, writeSync } from 'node:fs';
import type { Script } from 'node:vm';
import { openChannel } from './channel.ts';
import { ContextPool } from './context-pool.ts';
import { ArgumentSpy, CoverageCounter, MutantSwitch, type Instrument } from './instruments.ts';
import type { Base, DriverJob, DriverMessage, RunKind } from './job.ts';
import { runOnce, type RunInput, type RunResult, type TestResult } from './run.ts';
import { RunnerTimers } from './runner-timers.ts';
import { optimiseLater, scriptFile, testScript, wrapped } from './scripts.ts';
import { nodeSurroundings } from './surroundings.ts';

/** A mutant reached this many times as often as in the base run is an endless loop, as Stryker has it. */
const HIT_FACTOR = 100;
const HEARTBEAT_MS = 250;

type Send = (message: DriverMessage) => void;

/** The program that runs in the sandbox: test runs and mutant runs, each in a context of its own. */
class Driver {
  readonly #job: DriverJob;
  readonly #send: Send;
  readonly #timers = new RunnerTimers();
  readonly #contexts = new ContextPool({
    realm: scriptFile('realm.js'),
    runner: scriptFile('runner.js'),
    timers: this.#timers,
    clock: performance,
    surroundings: nodeSurroundings,
    restores: false,
  });
  readonly #counted: Script;
  readonly #switched: Script;
  readonly #test: Script;
  readonly #skip: ReadonlySet<string>;

  constructor(job: DriverJob, send: Send) {
    this.#job = job;
    this.#send = send;
    this.#skip = new Set(job.skip);
    this.#counted = wrapped(job.subject.counted, 'exports, require, module, aqeScope', 'subject');
    this.#switched = wrapped(
      job.subject.switched,
      'exports, require, module, stryMutAct_9fa48, stryCov_9fa48',
      'subject',
    );
    this.#test = testScript(job.test, job.testFileName);
  }

  /** Nothing is left that could happen but a timeout: lets it happen now. */
  skipAhead(): void {
    // The loop must have something to turn for, or the process ends.
    if (this.#timers.waiting) setImmediate(() => this.#timers.skipAhead());
  }

  async run(): Promise<void> {
    const base = this.#job.base ?? (await this.#baseRuns());
    if (base) {
      await this.#mutants(base);
      if (this.#job.mustCheck) await this.#again(base);
    }
    this.#send({ type: 'done' });
  }

  #input(): Omit<RunInput, 'subject' | 'instrument' | 'wanted' | 'snapshot' | 'fresh'> {
    return {
      contexts: this.#contexts,
      test: this.#test,
      testFileName: this.#job.testFileName,
      testTimeoutMs: this.#job.testTimeoutMs,
      requireAssertions: this.#job.mustCheck,
    };
  }

  #looked(kind: RunKind): { subject: RunInput['subject']; instrument: Instrument } {
    const asIs = (value: unknown): unknown => value;
    if (kind === 'coverage') {
      const counter = new CoverageCounter();
      return {
        subject: { script: this.#counted, instruments: [counter.scope], wrap: asIs },
        instrument: counter,
      };
    }
    const off = new MutantSwitch();
    const subject = { script: this.#switched, instruments: [off.isActive, off.cover] };
    if (kind === 'plain') return { subject: { ...subject, wrap: asIs }, instrument: off };
    const spy = new ArgumentSpy();
    return { subject: { ...subject, wrap: (value) => spy.wrap(value) }, instrument: spy };
  }

  async #baseRuns(): Promise<Base | undefined> {
    const passes = new Map<string, number>();
    let decisive = 0;
    let reach: Base['reach'] = {};
    let snapshot: string | null = null;
    for (const [index, kind] of this.#job.runs.entries()) {
      this.#send({ type: 'run', index });
      const { subject, instrument } = this.#looked(kind);
      const perTest = new Map<string, string[]>();
      const result: RunResult = await runOnce({
        ...this.#input(),
        subject,
        instrument,
        snapshot,
        wanted: (key) => !this.#skip.has(key),
        fresh: true,
        onFound: (tests) => this.#send({ type: 'found', tests }),
        onTest: (key) => this.#send({ type: 'test', key }),
        onTested: (tested: TestResult) => {
          perTest.set(tested.key, tested.touched);
          if (kind !== 'arguments' && tested.state === 'passed') {
            passes.set(tested.key, (passes.get(tested.key) ?? 0) + 1);
          }
          this.#send({ type: 'tested', ...tested });
        },
      });
      if (result.state === 'not-loaded') {
        this.#send({ type: 'not-loaded', message: result.message });
        return undefined;
      }
      const { loaded, outside } = result;
      if (kind !== 'arguments') decisive += 1;
      snapshot = result.snapshot;
      const all = instrument instanceof CoverageCounter ? instrument.keys() : [];
      if (instrument instanceof MutantSwitch) {
        reach = reachOf(instrument, perTest, [...loaded, ...outside]);
      }
      this.#send({ type: 'ran', loaded, outside, all });
    }
    const passed = [...passes].filter(([, times]) => times === decisive).map(([key]) => key);
    const base = { passed, reach, snapshot };
    this.#send({ type: 'base', base });
    return base;
  }

  async #mutants(base: Base): Promise<void> {
    const passed = new Set(base.passed);
    const checking = new Set(this.#job.checking);
    for (const id of this.#job.mutants) {
      const reached = base.reach[id];
      const tests =
        reached?.tests === 'all'
          ? passed
          : new Set(reached?.tests.filter((key) => passed.has(key)));
      if (!reached || tests.size === 0) {
        this.#send({ type: 'mutated', id, state: 'no-coverage', failed: [], unmet: [] });
        continue;
      }
      this.#send({ type: 'mutant', id });
      const active = new MutantSwitch(id, reached.hits * HIT_FACTOR);
      const failed: string[] = [];
      const unmet: string[] = [];
      let decided = false;
      const result = await runOnce({
        ...this.#input(),
        subject: {
          script: this.#switched,
          instruments: [active.isActive, uncounted],
          wrap: (value) => value,
        },
        instrument: active,
        // Nobody hands in the snapshots along with a test file: without them it checks nothing by one.
        snapshot: this.#job.mustCheck ? null : base.snapshot,
        wanted: (key) => tests.has(key),
        fresh: false,
        // Whether a test checks at all has to be found out, even where others have decided.
        skip: (key) => decided && (!this.#job.mustCheck || checking.has(key)),
        onTested: ({ key, state, unmet: isUnmet }) => {
          if (state !== 'failed' && state !== 'timeout') return;
          failed.push(key);
          if (isUnmet) {
            unmet.push(key);
            checking.add(key);
          }
          decided ||= !this.#job.mustCheck || checking.has(key);
        },
      });
      const killed = result.state === 'not-loaded' || result.failed;
      // Where no test can be blamed, all that reach it notice it.
      if (active.overLimit || (killed && failed.length === 0)) failed.push(...tests);
      const state = active.overLimit ? 'timeout' : killed ? 'killed' : 'survived';
      this.#send({ type: 'mutated', id, state, failed, unmet });
    }
  }

  /** Runs the subject unchanged once more: a test that fails now does so for other reasons than a mutant. */
  async #again(base: Base): Promise<void> {
    const passed = new Set(base.passed);
    const steady = new Set<string>();
    const off = new MutantSwitch();
    await runOnce({
      ...this.#input(),
      subject: {
        script: this.#switched,
        instruments: [off.isActive, uncounted],
        wrap: (value) => value,
      },
      instrument: off,
      snapshot: null,
      wanted: (key) => passed.has(key),
      fresh: true,
      onTest: (key) => this.#send({ type: 'test', key }),
      onTested: ({ key, state }) => {
        if (state === 'passed') steady.add(key);
      },
    });
    const keys = base.passed.filter((key) => !steady.has(key));
    this.#send({ type: 'unsteady', keys });
  }
}

/** What was reached is known from the base runs. */
function uncounted(): void {}

function reachOf(
  counts: MutantSwitch,
  perTest: ReadonlyMap<string, readonly string[]>,
  shared: readonly string[],
): Base['reach'] {
  const reach: Base['reach'] = {};
  for (const [id, hits] of counts.hits) reach[id] = { hits, tests: [] };
  for (const [key, ids] of perTest) {
    for (const id of ids) {
      const tests = reach[id]?.tests;
      if (Array.isArray(tests)) tests.push(key);
    }
  }
  for (const id of shared) {
    const reached = reach[id];
    if (reached) reached.tests = 'all';
  }
  return reach;
}

optimiseLater();
// Made by the executor of the same release: a schema here would double the program's size.
const job: DriverJob = JSON.parse(readFileSync(0, 'utf8'));
const send = openChannel(job.nonce);
// An error that no test awaits fails no test, as under vitest: each keeps the state it has.
process.on('uncaughtException', () => undefined);
process.on('unhandledRejection', () => undefined);
setInterval(() => send({ type: 'alive' }), HEARTBEAT_MS).unref();
const driver = new Driver(job, send);
process.on('beforeExit', () => driver.skipAhead());
void driver.run().then(
  () => process.exit(0),
  (error: unknown) => {
    writeSync(2, error instanceof Error ? String(error.stack) : String(error));
    process.exit(70);
  },
);
