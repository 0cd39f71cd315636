import { randomBytes } from 'node:crypto';
import type { Sandbox, SandboxExit } from '../sandbox/sandbox.ts';
import {
  driverMessageSchema,
  type Base,
  type DriverJob,
  type DriverMessage,
  type RunKind,
} from './driver/job.ts';
import type { MutantOutcome } from './execution.ts';
import { describeExit, driverFailure, LIMITS } from './limits.ts';
import { loadProgram } from './program.ts';

/** Tests that may end the process before what is left is given up. */
const MAX_RESTARTS = 3;

export type Supervised = Omit<DriverJob, 'nonce' | 'base' | 'skip' | 'checking'>;

type Tested = Extract<DriverMessage, { type: 'tested' }>;
type Ran = Extract<DriverMessage, { type: 'ran' }>;
type Mutated = Omit<Extract<DriverMessage, { type: 'mutated' }>, 'type'>;

/** What one base run showed. */
export interface RunRecord {
  kind: RunKind;
  tests: Map<string, Tested>;
  loaded: string[];
  outside: string[];
  all: string[];
}

export type Observation =
  | { state: 'not-loaded'; message: string }
  | {
      state: 'ran';
      found: { key: string; name: string }[];
      runs: RunRecord[];
      /** Outcomes by Stryker's number. */
      mutants: MutantOutcome[];
      /** Tests of which an expectation failed on a mutant; `null` where that is not asked for. */
      checking: ReadonlySet<string> | null;
      /** Tests that passed before the mutants and not after them. */
      unsteady: ReadonlySet<string>;
    };

function isHang(exit: SandboxExit): boolean {
  return exit.reason === 'idle' || exit.reason === 'wall';
}

/** One observed job: what the driver has said so far, over all the processes that it took. */
class Watch {
  readonly #job: Supervised;
  #runs: RunRecord[] = [];
  #found: { key: string; name: string }[] = [];
  #notLoaded: string | undefined;
  #base: Base | null = null;
  readonly #mutants = new Map<string, Mutated>();
  readonly #checking = new Set<string>();
  readonly #unsteady = new Set<string>();
  /** Tests that did not end, and how. */
  readonly #stopped = new Map<string, { state: 'timeout' | 'failed'; message: string }>();
  /** What runs right now. */
  #test: string | undefined;
  #mutant: string | undefined;
  #kinds: RunKind[];
  #done = false;

  constructor(job: Supervised) {
    this.#job = job;
    this.#kinds = [...job.runs];
  }

  get over(): boolean {
    return this.#done || this.#notLoaded !== undefined;
  }

  /** The job of the next process. */
  next(nonce: string): DriverJob {
    if (!this.#base) this.#runs = [];
    this.#test = undefined;
    return {
      ...this.#job,
      nonce,
      runs: this.#kinds,
      base: this.#base,
      skip: [...this.#stopped.keys()],
      checking: [...this.#checking],
      mutants: this.#job.mutants.filter((id) => !this.#mutants.has(id)),
    };
  }

  hear(message: DriverMessage): void {
    const run = this.#runs.at(-1);
    switch (message.type) {
      case 'run':
        this.#test = undefined;
        this.#runs.push(emptyRun(this.#kinds[message.index] ?? 'plain'));
        return;
      case 'found':
        if (this.#runs.length === 1) this.#found = message.tests;
        return;
      case 'test':
        this.#test = message.key;
        return;
      case 'tested':
        this.#test = undefined;
        run?.tests.set(message.key, message);
        return;
      case 'ran':
        Object.assign(run ?? {}, endOf(message));
        return;
      case 'base':
        this.#base = message.base;
        return;
      case 'mutant':
        this.#mutant = message.id;
        return;
      case 'mutated':
        this.#mutant = undefined;
        this.#mutants.set(message.id, message);
        for (const key of message.unmet) this.#checking.add(key);
        return;
      case 'unsteady':
        for (const key of message.keys) this.#unsteady.add(key);
        return;
      case 'not-loaded':
        this.#notLoaded = message.message;
        return;
      case 'done':
        this.#done = true;
        return;
      case 'alive':
    }
  }

  /** The process ended before its job was done: blames what ran. */
  ended(exit: SandboxExit): void {
    if (this.#base) {
      // Between two mutants nothing untrusted runs but what an earlier one left behind: the next is blamed.
      const blamed = this.#mutant ?? this.#job.mutants.find((id) => !this.#mutants.has(id));
      this.#mutant = undefined;
      if (blamed === undefined) {
        if (this.#test !== undefined) this.#unsteady.add(this.#test);
        this.#done = true;
        return;
      }
      const reached = this.#base.reach[blamed]?.tests ?? [];
      this.#mutants.set(blamed, {
        id: blamed,
        state: isHang(exit) ? 'timeout' : 'killed',
        failed: reached === 'all' ? this.#base.passed : reached,
        unmet: [],
      });
      return;
    }
    const kind = this.#runs.at(-1)?.kind;
    if (kind === 'arguments') {
      this.#kinds = this.#kinds.filter((other) => other !== 'arguments');
      return;
    }
    if (this.#test === undefined) {
      this.#notLoaded =
        this.#found.length === 0
          ? `The test file ${describeExit(exit)} while it loads`
          : `A hook outside of the tests ${describeExit(exit)}`;
      return;
    }
    this.#stopped.set(this.#test, {
      state: isHang(exit) ? 'timeout' : 'failed',
      message: `The test ${describeExit(exit)}`,
    });
    if (this.#stopped.size > MAX_RESTARTS) this.#giveUp();
  }

  result(): Observation {
    if (this.#notLoaded !== undefined) return { state: 'not-loaded', message: this.#notLoaded };
    for (const run of this.#runs) {
      for (const [key, stopped] of this.#stopped) {
        run.tests.set(key, { type: 'tested', key, touched: [], ...stopped });
      }
    }
    // Without a mutant, nothing is known of what a test checks.
    const { mustCheck, mutants } = this.#job;
    const checking = mustCheck && mutants.length > 0 ? this.#countingTests() : null;
    return {
      state: 'ran',
      found: this.#found,
      runs: this.#runs,
      mutants: mutants.map((id) => outcome(id, this.#mutants.get(id), checking)),
      checking,
      unsteady: this.#unsteady,
    };
  }

  #countingTests(): ReadonlySet<string> {
    return new Set([...this.#checking].filter((key) => !this.#unsteady.has(key)));
  }

  #giveUp(): void {
    const message = `Not run: ${this.#stopped.size} other tests ended the process`;
    const run = emptyRun('plain');
    for (const { key } of this.#found) {
      run.tests.set(key, { type: 'tested', key, state: 'failed', message, touched: [] });
    }
    this.#runs = [run];
    this.#done = true;
  }
}

/** What became of a mutant; where only tests that check count, it is not theirs that others failed on it. */
function outcome(
  id: string,
  seen: Mutated | undefined,
  counting: ReadonlySet<string> | null,
): MutantOutcome {
  if (seen === undefined) return { id, state: 'no-coverage' };
  const { state, failed } = seen;
  if (state !== 'killed' && state !== 'timeout') return { id, state };
  const counts = counting === null || failed.some((key) => counting.has(key));
  return { id, state: counts ? state : 'survived' };
}

function emptyRun(kind: RunKind): RunRecord {
  return { kind, tests: new Map(), loaded: [], outside: [], all: [] };
}

function endOf({ loaded, outside, all }: Ran): Pick<RunRecord, 'loaded' | 'outside' | 'all'> {
  return { loaded, outside, all };
}

/**
 * Runs a job in the sandbox, with a new process for what is left whenever a test or a mutant takes one down.
 * @throws AppError `execution.failed` when the driver itself does not start
 */
export async function supervise(
  sandbox: Sandbox,
  job: Supervised,
  signal?: AbortSignal,
): Promise<Observation> {
  const program = await loadProgram('driver');
  const watch = new Watch(job);
  while (!watch.over) {
    signal?.throwIfAborted();
    const nonce = randomBytes(16).toString('hex');
    const events = sandbox.run(
      {
        files: program.files,
        entry: program.entry,
        stdin: JSON.stringify(watch.next(nonce)),
        limits: LIMITS,
      },
      signal,
    );
    let started = false;
    for await (const event of events) {
      if (event.type === 'line') {
        if (!event.line.startsWith(`${nonce} `)) continue;
        started = true;
        watch.hear(driverMessageSchema.parse(JSON.parse(event.line.slice(nonce.length + 1))));
        if (watch.over) break;
        continue;
      }
      signal?.throwIfAborted();
      // Once it has begun, whatever ends it is a test's doing: a failure that were nobody's would hide a bad test.
      if (!started) {
        throw driverFailure(event);
      }
      watch.ended(event.state);
    }
  }
  return watch.result();
}
