import path from 'node:path';
import { AppError } from '../../../core/errors.ts';
import type { Category, Rubric } from '../../../quality/result.ts';
import type { BaselineRun } from '../../../quality/run/events.ts';
import { asksOf } from '../../../quality/run/asks.ts';
import { filterTasks, shardOf, sidesOf, type RunPlan } from '../../../quality/run/plan.ts';
import { isRecordingFile } from '../../../quality/run/recording-file.ts';
import type { RunStore, StoredRun } from '../../../quality/run/run-store.ts';
import { checkReplays } from '../../../quality/run/sides.ts';
import { loadSuite, type Suite } from '../../../quality/suites/suite.ts';
import type { Runtime } from '../../../runtime.ts';

/** Flags that say what is asked; those of `baseline` and of `baseline record`. */
export interface QuestionFlags {
  quick?: boolean;
  suite?: string;
  filter?: string[];
  seed?: number;
  repeat?: number;
  maxTokens?: number;
  temperature?: number;
  maxCost?: number;
}

export interface PlanFlags extends QuestionFlags {
  candidate?: string[];
  reference?: string;
  rubric?: Rubric;
  shard?: { index: number; of: number };
  threshold?: Partial<Record<Category, number>>;
}

/** Room for the 6 to 10 short tests that a task asks for, so that a small model on two cores takes minutes. */
const QUICK_MAX_TOKENS = 768;

/** The part of a plan that says what is asked, of whomever. */
export async function planQuestions(
  cwd: string,
  { config, builtInSuite }: Pick<Runtime, 'config' | 'builtInSuite'>,
  flags: QuestionFlags,
): Promise<{ suite: Suite; questions: Omit<RunPlan, 'candidates' | 'reference'> }> {
  const { baseline } = config;
  const folder =
    flags.suite === undefined ? (baseline.suite ?? builtInSuite) : path.resolve(cwd, flags.suite);
  const suite = await loadSuite(folder);
  const quick = flags.quick === true;
  const marked = quick ? suite.tasks.filter(({ id }) => suite.quick.includes(id)) : suite.tasks;
  if (marked.length === 0) {
    throw new AppError('suite.no-quick-tasks', `The suite ${suite.name} marks no tasks as quick.`, {
      hint: 'Run without --quick, or list task ids under "quick" in suite.json.',
    });
  }
  return {
    suite,
    questions: {
      version: 2,
      suiteFolder: folder,
      suiteName: suite.name,
      suiteHash: suite.hash,
      taskIds: filterTasks(marked, flags.filter ?? []).map((task) => task.id),
      seed: flags.seed ?? baseline.seed,
      repeats: flags.repeat ?? baseline.repeats,
      maxTokens:
        flags.maxTokens ??
        (quick ? Math.min(baseline.maxTokens, QUICK_MAX_TOKENS) : baseline.maxTokens),
      temperature: flags.temperature ?? baseline.temperature,
      rubric: baseline.rubric,
      shard: null,
      thresholds: {},
      maxCostUsd: flags.maxCost ?? baseline.maxCostUsd ?? null,
    },
  };
}

/** Plans a run and stores it, unless a side cannot be replayed. */
export async function startRun(
  cwd: string,
  runtime: Runtime,
  store: RunStore,
  flags: PlanFlags,
): Promise<{ run: BaselineRun; suite: Suite }> {
  const { baseline } = runtime.config;
  const { suite, questions } = await planQuestions(cwd, runtime, flags);
  const candidates = new Set<string>();
  for (const spec of flags.candidate ?? [baseline.candidate]) {
    candidates.add(await settledSide(spec, cwd, runtime));
  }
  const plan: RunPlan = {
    ...questions,
    ...(flags.shard === undefined ? {} : shardOf(questions.taskIds, flags.shard)),
    candidates: [...candidates],
    reference: await settledSide(flags.reference ?? baseline.reference, cwd, runtime),
    rubric: flags.rubric ?? questions.rubric,
    thresholds: thresholdsOf(suite, questions.taskIds, baseline.thresholds, flags.threshold),
  };
  const specs = sidesOf(plan).map(({ spec }) => spec);
  await checkReplays(specs, asksOf(suite, plan), store);
  const startedAt = new Date(runtime.clock.now()).toISOString();
  const run = { id: runtime.newRunId(), plan, startedAt };
  store.create(run);
  return { run, suite };
}

/** Takes up a stored run; with `retryErrors` also one that is finished. */
export async function resumeRun(
  store: RunStore,
  {
    resume,
    retryErrors,
    maxCost,
  }: { resume: string | true; retryErrors: boolean; maxCost?: number },
): Promise<{ run: BaselineRun; suite: Suite }> {
  const found =
    resume === true ? store.newest(retryErrors ? 'any' : 'unfinished') : store.find(resume);
  if (found === undefined) {
    throw new AppError(
      'baseline.no-run',
      resume === true ? 'There is no unfinished run.' : `There is no run ${resume}.`,
      {
        hint: 'Start one with: aqe-llm baseline. Runs belong to a state folder; --state names another.',
      },
    );
  }
  const suite = await suiteOf(found);
  const plan = maxCost === undefined ? found.plan : { ...found.plan, maxCostUsd: maxCost };
  return { run: { ...found, plan }, suite };
}

/** @throws AppError `baseline.suite-changed` when the suite is not the one of the run any more */
export async function suiteOf(run: StoredRun): Promise<Suite> {
  const suite = await loadSuite(run.plan.suiteFolder);
  if (suite.hash !== run.plan.suiteHash) {
    throw new AppError(
      'baseline.suite-changed',
      `The suite was changed since run ${run.id} started.`,
      { hint: 'Undo the change to go on with that run, or start a new one.' },
    );
  }
  return suite;
}

/** Thresholds of the configuration and the command line, for the categories that the run has. */
function thresholdsOf(
  suite: Suite,
  taskIds: readonly string[],
  configured: RunPlan['thresholds'],
  given: RunPlan['thresholds'] = {},
): RunPlan['thresholds'] {
  const run = new Set(
    suite.tasks.filter(({ id }) => taskIds.includes(id)).map((task) => task.category),
  );
  const foreign = Object.keys(given).filter((name) => ![...run].some((known) => known === name));
  if (foreign.length > 0) {
    throw new AppError('baseline.foreign-threshold', `This run has no ${foreign.join(', ')}.`, {
      hint: `--threshold takes ${[...run].join(', ')}.`,
    });
  }
  const thresholds: RunPlan['thresholds'] = {};
  for (const category of run) {
    const threshold = given[category] ?? configured[category];
    if (threshold !== undefined) thresholds[category] = threshold;
  }
  return thresholds;
}

/** `embedded` becomes the model that the configuration or the machine chooses, and a file's path a whole one, so that a resumed run keeps them. */
export async function settledSide(spec: string, cwd: string, runtime: Runtime): Promise<string> {
  const [kind, ...rest] = spec.split(':');
  const name = rest.join(':');
  if (kind === 'replay') return isRecordingFile(name) ? `replay:${path.resolve(cwd, name)}` : spec;
  if (kind === 'embedded') {
    const wanted = await runtime.wantModel(name === '' ? runtime.config.embedded.model : name);
    return `embedded:${wanted.kind === 'file' ? wanted.path : wanted.id}`;
  }
  if (rest.length === 0 || !Object.hasOwn(runtime.config.servers, kind ?? '')) {
    const servers = Object.keys(runtime.config.servers).map((server) => `${server}:<model>`);
    throw new AppError('baseline.unknown-side', `There is no provider called ${spec}.`, {
      hint: `Known are embedded, embedded:<model id or GGUF file>, replay:gold, replay:empty, replay:<file>.jsonl, ${servers.join(', ')}, and replay:<any of these> for what it answered before. Other servers are named under "servers" in the configuration.`,
    });
  }
  return spec;
}
