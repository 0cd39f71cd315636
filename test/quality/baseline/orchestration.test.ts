import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import type { Completion, CompletionRequest } from '../../../src/core/request.ts';
import { ProviderFailure, type FailureClass } from '../../../src/providers/failure.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import { createReplayProvider } from '../../../src/providers/replay/provider.ts';
import { runBaseline } from '../../../src/quality/baseline.ts';
import { createExecutor, type Execution } from '../../../src/quality/execution/index.ts';
import type { Executor } from '../../../src/quality/execution/executor.ts';
import { kindOf } from '../../../src/quality/kinds/registry.ts';
import type { BaselineReport } from '../../../src/quality/result.ts';
import type { BaselineDeps, BaselineEvent, BaselineRun } from '../../../src/quality/run/events.ts';
import type { Money } from '../../../src/quality/run/budget.ts';
import type { RunPlan } from '../../../src/quality/run/plan.ts';
import { createRunStore, type RunStore } from '../../../src/quality/run/run-store.ts';
import { loadSuite, type Suite } from '../../../src/quality/suites/suite.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { TemporaryFolders } from '../../cli/temporary-folders.ts';
import { buildTinySuite } from '../../cli/tiny-suite.ts';
import { PLAN } from '../results.ts';
import { plainSandbox } from '../execution/plain-sandbox.ts';
import { machineClock } from '../../providers/embedded/processes.ts';

/** Everything but `execute` is real. */
const plainExecutor = createExecutor({ sandbox: plainSandbox() });
const folders = new TemporaryFolders();
let suite: Suite;
beforeAll(async () => {
  suite = await loadSuite(await buildTinySuite(await folders.make()));
});
afterAll(() => folders.remove());

/** How a model of these tests answers: with text, or by failing. */
type Answers = (
  request: CompletionRequest,
  call: number,
) => string | AppError | Promise<string | AppError>;

interface Model extends Provider {
  calls: string[];
}

const taskIn = ({ messages }: CompletionRequest): string =>
  /`(\w+)\.ts`/.exec(messages[0]?.content ?? '')?.[1] ?? '';

function modelThat(answers: Answers): Model {
  const base = createReplayProvider({ recordedId: 'x', lookUp: () => undefined, hint: '' });
  const calls: string[] = [];
  return {
    ...base,
    id: 'embedded:fake',
    calls,
    metadata: async () => ({ ...(await base.metadata()), id: 'embedded:fake', replayed: false }),
    async *stream(request, options) {
      calls.push(taskIn(request));
      const stopped = new Promise<never>((_, reject) => {
        options?.signal?.addEventListener('abort', () =>
          reject(new ProviderFailure('cancelled', 'Generation was cancelled.')),
        );
      });
      const text = await Promise.race([answers(request, calls.length), stopped]);
      if (text instanceof AppError) throw text;
      const completion: Completion = {
        model: 'fake',
        text,
        finishReason: 'stop',
        usage: { outputTokens: 100 },
        timing: { totalMs: 2000, ttftMs: 1000, measured: true },
      };
      yield { type: 'text', text };
      yield { type: 'finished', completion };
    },
  };
}

const goldText = (request: CompletionRequest): string => {
  const task = suite.tasks.find(({ id }) => id === taskIn(request));
  return task === undefined ? '' : kindOf(task.category).goldAnswer(task);
};
const gold: Answers = (request) => goldText(request);
const failing = (failure: FailureClass): AppError =>
  new ProviderFailure(failure, `It is ${failure}.`);

/** What the reference earns, without running anything. */
function passes(): Execution {
  return {
    state: 'ran',
    tests: [{ name: 'one', state: 'passed' }],
    statements: { covered: ['s0'], checked: ['s0'], total: ['s0'] },
    branches: { covered: [], checked: [], total: [] },
    uncoveredLines: [],
    boundaryClasses: [],
    mutants: [],
  };
}

const FAKE = 'embedded:fake';
const FREE: Money = { chargeOf: () => 0, priceOf: () => 0 };

/** More than any reference covers. */
const MANY = Array<string>(99).fill('s0');
const ALL = { covered: MANY, checked: MANY, total: [] };

/** What earns every point. */
const perfect: Executor['execute'] = async ({ mutants }) => ({
  state: 'ran',
  tests: [{ name: 'one', state: 'passed' }],
  statements: ALL,
  branches: ALL,
  uncoveredLines: [],
  boundaryClasses: ['zero', 'minus-one', 'nan', 'null', 'empty-string', 'empty-array', 'max'],
  mutants: mutants.map((id) => ({ id, state: 'killed' })),
});

interface Bench {
  store: RunStore;
  run: BaselineRun;
  deps: (model: Model, execute?: Executor['execute']) => BaselineDeps;
}

async function bench(change: Partial<RunPlan> = {}): Promise<Bench> {
  const store = createRunStore(openDatabase(await folders.make()));
  const run: BaselineRun = {
    id: 'run',
    startedAt: '2026-01-01T00:00:00.000Z',
    plan: {
      ...PLAN,
      suiteFolder: suite.folder,
      suiteName: suite.name,
      suiteHash: suite.hash,
      taskIds: suite.tasks.map((task) => task.id),
      candidates: [FAKE],
      ...change,
    },
  };
  store.create(run);
  return {
    store,
    run,
    deps: (model, execute = () => Promise.resolve(passes())) => ({
      store,
      kinds: {
        executor: { ...plainExecutor, execute },
        typeCheck: () => [],
        sandbox: plainSandbox(),
      },
      money: FREE,
      clock: machineClock,
      sandbox: 'unsafe',
      versions: {},
      cores: 2,
      openProvider: () => Promise.resolve(model),
    }),
  };
}

async function follow(
  { run }: Bench,
  deps: BaselineDeps,
  signal = new AbortController().signal,
): Promise<{ events: BaselineEvent[]; report: BaselineReport }> {
  const events: BaselineEvent[] = [];
  for await (const event of runBaseline(suite, run, deps, signal)) events.push(event);
  const last = events.at(-1);
  if (last?.type !== 'finished') throw new Error('no report');
  return { events, report: last.report };
}

const resultsOf = (store: RunStore) => store.results('run', FAKE);

describe('a run', () => {
  it('asks and grades each task once, in order, and says how far it is', async () => {
    const at = await bench();
    const model = modelThat(gold);
    const { events, report } = await follow(at, at.deps(model));
    expect(model.calls).toEqual(['clamp', 'initials', 'stack']);
    expect(events[0]).toMatchObject({
      type: 'started',
      total: 6,
      done: 0,
      estimates: [{ side: FAKE, answers: 3, ms: null, mostUsd: 0 }],
    });
    const graded = events.filter((event) => event.type === 'graded');
    expect(graded.map((event) => event.done)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(report.candidates[0]?.tasks.map((task) => task.id)).toEqual([
      'clamp',
      'initials',
      'stack',
    ]);
    expect(report.candidates[0]).toMatchObject({
      id: 'embedded:fake',
      latencyMs: { p50: 2000, measured: 3, cached: 0 },
    });
    expect(at.store.find('run')?.finishedAt).not.toBeNull();
  });

  it('that is finished asks nothing more and reports the same', async () => {
    const at = await bench();
    const { report } = await follow(at, at.deps(modelThat(gold)));
    const model = modelThat(gold);
    const again = await follow(
      at,
      at.deps(model, () => Promise.reject(new Error('graded again'))),
    );
    expect(model.calls).toEqual([]);
    expect(again.report).toEqual(report);
  });
});

describe('a model that fails', () => {
  it('is asked again when its engine died, once', async () => {
    const at = await bench();
    const model = modelThat((request, call) =>
      call === 2 ? failing('engine-crashed') : gold(request, call),
    );
    const { report } = await follow(at, at.deps(model));
    expect(model.calls).toEqual(['clamp', 'initials', 'initials', 'stack']);
    const [candidate] = report.candidates;
    expect(candidate?.tasks.every((task) => task.state === 'graded')).toBe(true);
    expect(candidate?.tasks.map((task) => task.errorRetries)).toEqual([0, 1, 0]);
    expect(candidate?.errorRetries).toBe(1);
  });

  it('on one task is an error of that task, no score, and too many give no verdict', async () => {
    const at = await bench();
    const model = modelThat((request, call) =>
      taskIn(request) === 'initials' ? failing('context-too-long') : gold(request, call),
    );
    const { report } = await follow(at, at.deps(model));
    const [candidate] = report.candidates;
    expect(candidate?.tasks[1]).toMatchObject({
      id: 'initials',
      state: 'error',
      error: { code: 'provider.context-too-long', message: 'It is context-too-long.' },
    });
    expect(candidate?.latencyMs.measured).toBe(2);
    expect(candidate?.verdict.state).toBe('inconclusive');
    expect(candidate?.verdict.reasons[0]).toContain('1 of 3 tasks of the candidate');
  });

  it.each<FailureClass>(['model-missing', 'model-unreadable'])(
    'on every task (%s) ends the run, which can go on later',
    async (failure) => {
      const at = await bench();
      const model = modelThat((request, call) =>
        call === 2 ? failing(failure) : gold(request, call),
      );
      await expect(follow(at, at.deps(model))).rejects.toMatchObject({
        code: `provider.${failure}`,
      });
      expect(resultsOf(at.store).map((result) => result.id)).toEqual(['clamp']);
      expect(at.store.newest('unfinished')?.id).toBe('run');
      const mended = modelThat(gold);
      const { events } = await follow(at, at.deps(mended));
      expect(mended.calls).toEqual(['initials', 'stack']);
      expect(events[0]).toMatchObject({ type: 'started', estimates: [{ answers: 2 }] });
    },
  );
});

describe('a grader that fails', () => {
  it('ends the run with its own failure, though the model is in the middle of an answer', async () => {
    const at = await bench();
    const never = new Promise<never>(() => {});
    const broken = new AppError('execution.failed', 'The sandbox is gone.');
    const run = follow(
      at,
      at.deps(
        modelThat(() => never),
        async () => {
          await sleep(50);
          throw broken;
        },
      ),
    );
    await expect(run).rejects.toBe(broken);
  });

  it('keeps the answer, which is graded later without being asked for again', async () => {
    const at = await bench();
    // Not the reference's own words, which have been graded already.
    const first = modelThat((request) => `${goldText(request)} `);
    let graded = 0;
    const execute = (): Promise<Execution> => {
      graded += 1;
      return graded < 5 ? Promise.resolve(passes()) : Promise.reject(new Error('out of disk'));
    };
    await expect(follow(at, at.deps(first, execute))).rejects.toThrow('out of disk');
    expect(first.calls).toContain('clamp');
    const second = modelThat(gold);
    await follow(at, at.deps(second));
    const asked = [...first.calls, ...second.calls].filter((id) => id === 'clamp');
    expect(asked).toEqual(['clamp']);
  });
});

describe('an interrupted run', () => {
  it('stops in the middle of an answer, says how to go on, and then does', async () => {
    const at = await bench();
    const stop = new AbortController();
    const model = modelThat((request, call) => {
      if (call < 2) return gold(request, call);
      stop.abort();
      return new Promise<never>(() => {});
    });
    await expect(follow(at, at.deps(model), stop.signal)).rejects.toMatchObject({
      code: 'baseline.interrupted',
      exitCode: 130,
      hint: 'Go on with: aqe-llm baseline --resume run',
    });
    const next = modelThat(gold);
    const { report } = await follow(at, at.deps(next));
    expect(next.calls).toEqual(['initials', 'stack']);
    expect(report.candidates[0]?.tasks).toHaveLength(3);
  });
});

describe('repeats', () => {
  it('ask each task with a seed of its own, all tasks once before any a second time', async () => {
    const at = await bench({ repeats: 2 });
    const seeds = new Set<number>();
    const model = modelThat((request, call) => {
      seeds.add(request.seed);
      return gold(request, call);
    });
    const { report } = await follow(at, at.deps(model));
    expect(model.calls).toEqual(['clamp', 'initials', 'stack', 'clamp', 'initials', 'stack']);
    expect(seeds.size).toBe(6);
    const tasks = report.candidates[0]?.tasks.map(({ id, repeat }) => `${id} ${repeat}`);
    expect(tasks).toEqual(['clamp 0', 'clamp 1', 'initials 0', 'initials 1', 'stack 0', 'stack 1']);
    expect(report.candidates[0]?.categories[0]).toMatchObject({ tasks: 6, clusters: 3 });
  });

  it('grade equal answers to a task once', async () => {
    const at = await bench({ repeats: 3 });
    let graded = 0;
    const { report } = await follow(
      at,
      at.deps(modelThat(gold), () => {
        graded += 1;
        return Promise.resolve(passes());
      }),
    );
    expect(graded).toBe(3);
    expect(report.candidates[0]?.tasks).toHaveLength(9);
    expect(report.candidates[0]?.latencyMs).toMatchObject({ measured: 9, cached: 0 });
  });
});

describe('several candidates', () => {
  it('are run one after the other, each with its own verdict', async () => {
    const at = await bench({ candidates: [FAKE, 'replay:empty'] });
    const { report, events } = await follow(at, at.deps(modelThat(gold), perfect));
    const order = events.flatMap((event) => (event.type === 'loading' ? [event.side] : []));
    expect(order).toEqual(['reference', FAKE, 'replay:empty']);
    expect(report.candidates.map(({ id, verdict }) => [id, verdict.state])).toEqual([
      [FAKE, 'pass'],
      ['replay:empty', 'fail'],
    ]);
    expect(
      at.store
        .verdicts({ limit: 9 })
        .map(({ candidate }) => candidate)
        .toSorted(),
    ).toEqual([FAKE, 'replay:empty']);
  });
});

describe('a side that answers several at once', () => {
  it('is asked so many at once', async () => {
    const at = await bench();
    let under = 0;
    let most = 0;
    const model = modelThat(async (request, call) => {
      under += 1;
      most = Math.max(most, under);
      await sleep(20);
      under -= 1;
      return gold(request, call);
    });
    const wide: Model = {
      ...model,
      metadata: async () => ({ ...(await model.metadata()), concurrency: 2 }),
    };
    const { report } = await follow(at, at.deps(wide));
    expect(most).toBe(2);
    expect(report.candidates[0]?.tasks).toHaveLength(3);
  });
});

describe('a limit of cost', () => {
  const price: Money = {
    chargeOf: (_, { outcome }) => (outcome === 'ok' ? 0.4 : 0),
    priceOf: () => 0.5,
  };

  it('stops before the request that could pass it, and goes on with a larger one', async () => {
    const at = await bench({ maxCostUsd: 1 });
    const model = modelThat(gold);
    const stopped = follow(at, { ...at.deps(model), money: price });
    await expect(stopped).rejects.toMatchObject({
      code: 'baseline.over-budget',
      exitCode: 3,
      hint: expect.stringContaining('--resume run --max-cost'),
    });
    // 0.4 + 0.4 are spent; another 0.5 could pass 1.
    expect(model.calls).toEqual(['clamp', 'initials']);
    expect(resultsOf(at.store).map(({ id }) => id)).toEqual(['clamp', 'initials']);
    at.run.plan.maxCostUsd = 1.3;
    const next = modelThat(gold);
    const { report } = await follow(at, { ...at.deps(next), money: price });
    expect(next.calls).toEqual(['stack']);
    expect(report.candidates[0]?.costUsd).toBeCloseTo(1.2, 9);
  });

  it('is refused where no price is known', async () => {
    const at = await bench({ maxCostUsd: 1 });
    const unknown: Money = { chargeOf: () => undefined, priceOf: () => undefined };
    const model = modelThat(gold);
    const refused = follow(at, { ...at.deps(model), money: unknown });
    await expect(refused).rejects.toMatchObject({ code: 'baseline.unpriced' });
    expect(model.calls).toEqual([]);
  });

  it('leaves the cost unknown where one answer’s is', async () => {
    const at = await bench();
    const money: Money = { ...price, chargeOf: () => undefined };
    const { report } = await follow(at, { ...at.deps(modelThat(gold)), money });
    expect(report.candidates[0]?.costUsd).toBeNull();
    expect(report.reference.costUsd).toBe(0);
  });
});

describe('errors that are tried again', () => {
  it('ask only what infrastructure failed on', async () => {
    const at = await bench();
    const flaky = modelThat((request, call) =>
      taskIn(request) === 'initials' ? failing('context-too-long') : gold(request, call),
    );
    await follow(at, at.deps(flaky, perfect));
    expect(at.store.forgetErrors('run')).toBe(1);
    const model = modelThat(gold);
    const { report } = await follow(at, at.deps(model, perfect));
    expect(model.calls).toEqual(['initials']);
    expect(report.candidates[0]?.verdict.state).toBe('pass');
    expect(report.candidates[0]?.tasks[1]).toMatchObject({ id: 'initials', errorRetries: 1 });
  });
});
