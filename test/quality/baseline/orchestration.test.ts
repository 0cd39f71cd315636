import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/core/errors.ts';
import type { Completion, CompletionRequest } from '../../../src/core/request.ts';
import { ProviderFailure, type FailureClass } from '../../../src/providers/failure.ts';
import type { Provider } from '../../../src/providers/provider.ts';
import { createReplayProvider } from '../../../src/providers/replay/provider.ts';
import {
  runBaseline,
  type BaselineDeps,
  type BaselineEvent,
  type BaselineRun,
} from '../../../src/quality/baseline.ts';
import { createExecutor, type Execution } from '../../../src/quality/execution/index.ts';
import type { Executor } from '../../../src/quality/execution/executor.ts';
import { kindOf } from '../../../src/quality/kinds/registry.ts';
import type { BaselineReport } from '../../../src/quality/result.ts';
import { createRunStore, type RunStore } from '../../../src/quality/run-store.ts';
import { loadSuite, type Suite } from '../../../src/quality/suites/suite.ts';
import { openDatabase } from '../../../src/storage/database.ts';
import { TemporaryFolders } from '../../cli/temporary-folders.ts';
import { buildTinySuite } from '../../cli/tiny-suite.ts';
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
type Answers = (request: CompletionRequest, call: number) => string | AppError | Promise<never>;

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

const gold: Answers = (request) => {
  const task = suite.tasks.find(({ id }) => id === taskIn(request));
  return task === undefined ? '' : kindOf(task.category).goldAnswer(task);
};
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

interface Bench {
  store: RunStore;
  run: BaselineRun;
  deps: (model: Model, execute?: Executor['execute']) => BaselineDeps;
}

async function bench(): Promise<Bench> {
  const store = createRunStore(openDatabase(await folders.make()));
  const run: BaselineRun = {
    id: 'run',
    startedAt: '2026-01-01T00:00:00.000Z',
    plan: {
      suiteFolder: suite.folder,
      suiteName: suite.name,
      suiteHash: suite.hash,
      taskIds: suite.tasks.map((task) => task.id),
      candidate: 'embedded:fake',
      reference: 'replay:gold',
      seed: 1,
      maxTokens: 100,
      temperature: 0,
      rubric: 'linear',
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

const resultsOf = (store: RunStore) => store.results('run', 'candidate');

describe('a run', () => {
  it('asks and grades each task once, in order, and says how far it is', async () => {
    const at = await bench();
    const model = modelThat(gold);
    const { events, report } = await follow(at, at.deps(model));
    expect(model.calls).toEqual(['clamp', 'initials', 'stack']);
    expect(events[0]).toMatchObject({ type: 'started', total: 6, done: 0, toGenerate: 3 });
    const graded = events.filter((event) => event.type === 'graded');
    expect(graded.map((event) => event.done)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(report.candidate.tasks.map((task) => task.id)).toEqual(['clamp', 'initials', 'stack']);
    expect(report.candidate).toMatchObject({
      id: 'embedded:fake',
      latencyMs: { p50: 2000, measured: 3, cached: 0 },
    });
    expect(at.store.find('run')?.finished).toBe(true);
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
    expect(report.candidate.tasks.every((task) => task.state === 'graded')).toBe(true);
  });

  it('on one task is an error of that task, no score, and too many give no verdict', async () => {
    const at = await bench();
    const model = modelThat((request, call) =>
      taskIn(request) === 'initials' ? failing('context-too-long') : gold(request, call),
    );
    const { report } = await follow(at, at.deps(model));
    expect(report.candidate.tasks[1]).toMatchObject({
      id: 'initials',
      state: 'error',
      error: { code: 'provider.context-too-long', message: 'It is context-too-long.' },
    });
    expect(report.candidate.latencyMs.measured).toBe(2);
    expect(report.verdict.state).toBe('inconclusive');
    expect(report.verdict.reasons[0]).toContain('1 of 3 tasks of the candidate');
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
      expect(at.store.find(undefined)?.id).toBe('run');
      const mended = modelThat(gold);
      const { events } = await follow(at, at.deps(mended));
      expect(mended.calls).toEqual(['initials', 'stack']);
      expect(events[0]).toMatchObject({ type: 'started', toGenerate: 2 });
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
    const first = modelThat(gold);
    let graded = 0;
    const execute = (): Promise<Execution> => {
      graded += 1;
      return graded < 2 ? Promise.resolve(passes()) : Promise.reject(new Error('out of disk'));
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
    expect(report.candidate.tasks).toHaveLength(3);
  });
});
