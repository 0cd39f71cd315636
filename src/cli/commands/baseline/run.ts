import { createHash } from 'node:crypto';
import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, messageOf, type ExitCode } from '../../../core/errors.ts';
import type { Message } from '../../../core/request.ts';
import {
  runBaseline,
  type BaselineDeps,
  type BaselineEvent,
  type BaselineRun,
} from '../../../quality/baseline.ts';
import { kindOf } from '../../../quality/kinds/registry.ts';
import { toHtml, toJson, toJUnit, toMarkdown, toTable } from '../../../quality/reports/index.ts';
import type { BaselineReport, Rubric } from '../../../quality/result.ts';
import type { RunPlan, RunStore } from '../../../quality/run-store.ts';
import { loadSuite, type Suite } from '../../../quality/suites/suite.ts';
import { exitCodeOf } from '../../../quality/verdict.ts';
import { describe } from '../../../routing/describe.ts';
import type { LocalModel, Runtime } from '../../../runtime.ts';
import type { Metered } from '../../../runtime/open-meter.ts';
import type { CommandContext } from '../../main.ts';
import { provideModel, runtimeFor } from '../../model.ts';
import type { Output } from '../../output/output.ts';
import { lockRun } from './lock.ts';
import { BaselineProgress } from './progress.ts';

interface RunFlags {
  quick?: boolean;
  suite?: string;
  candidate?: string;
  reference?: string;
  rubric?: Rubric;
  seed?: number;
  maxTokens?: number;
  temperature?: number;
  threads?: number;
  resume?: string | true;
  html?: string;
  junit?: string;
  markdown?: string;
  allowMarginal?: boolean;
  allowUnsafeExec?: boolean;
}

/** `aqe-llm baseline`: runs or resumes, reports, and exits by the verdict. */
export async function runCommand(context: CommandContext, flags: RunFlags): Promise<ExitCode> {
  const { host, output } = context;
  const { signal } = host;
  const runtime = await runtimeFor(context, { threads: flags.threads });
  // Refuse before anything slow happens.
  const sandbox = await runtime.openSandbox(flags.allowUnsafeExec === true);
  if (sandbox.tier === 'unsafe')
    output.note('warning: answers run without a sandbox (--allow-unsafe-exec)');
  const store = runtime.openStore();
  const { run, suite } =
    flags.resume === undefined
      ? await startRun(context, runtime, store, flags)
      : await resumeRun(store, flags.resume);
  const models = await modelsOf(run.plan, runtime, output, signal);
  const executor = await runtime.createExecutor(sandbox);
  const metered: Metered = {
    purpose: 'baseline',
    session: run.id,
    categoryOf: (request) => describe(request).category,
    pairOf: ({ messages }) => `${run.id} ${hashOf(messages)}`,
    onTrouble: (message) => output.note(`warning: not in the ledger: ${message}`),
  };
  const deps: BaselineDeps = {
    store,
    kinds: { executor, typeCheck: await runtime.createTypeChecker(), sandbox },
    clock: runtime.clock,
    sandbox: sandbox.tier,
    versions: {
      'aqe-llm': runtime.version,
      node: process.version,
      platform: `${process.platform} ${process.arch}`,
      'mutant instrumenter': executor.instrumenterVersion,
    },
    cores: runtime.cores,
    openProvider: async (spec) => {
      const model = models.get(spec);
      return model === undefined
        ? runtime.openSteady(spec, metered)
        : runtime.meter(runtime.openEmbedded(model), metered);
    },
  };
  const lock = await lockRun(runtime, run.id, output, signal);
  try {
    const stop = AbortSignal.any([signal, lock.lost]);
    const report = await follow(runBaseline(suite, run, deps, stop), output, runtime, run);
    const page = path.resolve(
      host.cwd,
      flags.html ?? path.join(runtime.config.state, 'runs', run.id, 'report.html'),
    );
    await writeReports(report, suite, store, host.cwd, page, flags).catch((error: unknown) =>
      unwritable(error, run.id),
    );
    if (output.json) output.result(toJson(report));
    else output.result(toTable(report, { width: output.width, color: output.color }));
    output.note(`Page: ${page}`);
    return exitCodeOf(report.verdict, flags.allowMarginal === true);
  } catch (error) {
    lock.lost.throwIfAborted();
    throw error;
  } finally {
    await lock.release();
  }
}

function hashOf(messages: readonly Message[]): string {
  return createHash('sha256').update(JSON.stringify(messages)).digest('hex').slice(0, 16);
}

/** Room for the 6 to 10 short tests that a task asks for, so that a small model on two cores takes minutes. */
const QUICK_MAX_TOKENS = 768;

async function startRun(
  { host }: CommandContext,
  runtime: Runtime,
  store: RunStore,
  flags: RunFlags,
): Promise<{ run: BaselineRun; suite: Suite }> {
  const { baseline } = runtime.config;
  const folder =
    flags.suite === undefined
      ? (baseline.suite ?? runtime.builtInSuite)
      : path.resolve(host.cwd, flags.suite);
  const suite = await loadSuite(folder);
  const taskIds = flags.quick === true ? suite.quick : suite.tasks.map((task) => task.id);
  if (taskIds.length === 0) {
    throw new AppError('suite.no-quick-tasks', `The suite ${suite.name} marks no tasks as quick.`, {
      hint: 'Run without --quick, or list task ids under "quick" in suite.json.',
    });
  }
  const plan: RunPlan = {
    suiteFolder: folder,
    suiteName: suite.name,
    suiteHash: suite.hash,
    taskIds,
    candidate: await settledSide(flags.candidate ?? baseline.candidate, runtime),
    reference: await settledSide(flags.reference ?? baseline.reference, runtime),
    seed: flags.seed ?? baseline.seed,
    maxTokens:
      flags.maxTokens ??
      (flags.quick === true ? Math.min(baseline.maxTokens, QUICK_MAX_TOKENS) : baseline.maxTokens),
    temperature: flags.temperature ?? baseline.temperature,
    rubric: flags.rubric ?? baseline.rubric,
  };
  const startedAt = new Date(runtime.clock.now()).toISOString();
  const run = { id: runtime.newRunId(), plan, startedAt };
  store.create(run);
  return { run, suite };
}

async function resumeRun(
  store: RunStore,
  resume: string | true,
): Promise<{ run: BaselineRun; suite: Suite }> {
  const found = store.find(resume === true ? undefined : resume);
  if (found === undefined) {
    throw new AppError(
      'baseline.no-run',
      resume === true ? 'There is no unfinished run.' : `There is no run ${resume}.`,
      {
        hint: 'Start one with: aqe-llm baseline. Runs belong to a state folder; --state names another.',
      },
    );
  }
  const suite = await loadSuite(found.plan.suiteFolder);
  if (suite.hash !== found.plan.suiteHash) {
    throw new AppError(
      'baseline.suite-changed',
      `The suite was changed since run ${found.id} started.`,
      {
        hint: 'Undo the change to go on with that run, or start a new one.',
      },
    );
  }
  return { run: found, suite };
}

/** `embedded` becomes the model that the configuration or the machine chooses, so that a resumed run keeps it. */
async function settledSide(spec: string, runtime: Runtime): Promise<string> {
  const [kind, ...rest] = spec.split(':');
  if (kind === 'replay') return spec;
  if (kind === 'embedded') {
    const name = rest.length > 0 ? rest.join(':') : runtime.config.embedded.model;
    const wanted = await runtime.wantModel(name);
    return `embedded:${wanted.kind === 'file' ? wanted.path : wanted.id}`;
  }
  if (rest.length === 0 || !Object.hasOwn(runtime.config.servers, kind ?? '')) {
    const servers = Object.keys(runtime.config.servers).map((name) => `${name}:<model>`);
    throw new AppError('baseline.unknown-side', `There is no provider called ${spec}.`, {
      hint: `Known are embedded, embedded:<model id or GGUF file>, replay:gold, replay:empty, ${servers.join(', ')}, and replay:<any of these> for what it answered before. Other servers are named under "servers" in the configuration.`,
    });
  }
  return spec;
}

/** The model files of a plan's live sides, fetched where they are missing. */
async function modelsOf(
  plan: RunPlan,
  runtime: Runtime,
  output: Output,
  signal: AbortSignal,
): Promise<Map<string, LocalModel>> {
  const models = new Map<string, LocalModel>();
  for (const spec of [plan.reference, plan.candidate]) {
    if (!spec.startsWith('embedded:')) continue;
    const name = spec.slice('embedded:'.length);
    models.set(spec, await provideModel(runtime, { name }, output, signal));
  }
  return models;
}

async function follow(
  events: AsyncIterable<BaselineEvent>,
  output: Output,
  runtime: Runtime,
  run: BaselineRun,
): Promise<BaselineReport> {
  const progress = new BaselineProgress(await output.progress(), runtime.clock, run.plan);
  try {
    for await (const event of events) {
      if (event.type === 'finished') return event.report;
      progress.show(event);
    }
  } finally {
    progress.stop();
  }
  throw new Error('the run ended without a report');
}

async function writeReports(
  report: BaselineReport,
  suite: Suite,
  store: RunStore,
  cwd: string,
  page: string,
  flags: RunFlags,
): Promise<void> {
  const answerOf = (side: 'candidate' | 'reference', taskId: string, repeat: number) =>
    store.answer({ runId: report.run.id, side, taskId, repeat })?.completion.text ?? null;
  const tasks = report.candidate.tasks.flatMap(({ id, repeat }) => {
    const task = suite.tasks.find((other) => other.id === id);
    if (task === undefined) return [];
    return {
      id,
      repeat,
      title: task.title,
      exhibits: kindOf(task.category).exhibits(task),
      candidateAnswer: answerOf('candidate', id, repeat),
      referenceAnswer: answerOf('reference', id, repeat),
    };
  });
  await writeWhole(page, toHtml({ report, tasks }));
  if (flags.junit !== undefined) {
    const options = { allowMarginal: flags.allowMarginal === true };
    await writeWhole(path.resolve(cwd, flags.junit), toJUnit(report, options));
  }
  if (flags.markdown !== undefined) {
    await appendFile(path.resolve(cwd, flags.markdown), toMarkdown(report));
  }
}

/** Writes a file so that a reader sees all of it or none. */
async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

function unwritable(error: unknown, runId: string): never {
  throw new AppError(
    'baseline.report-not-written',
    `A report cannot be written: ${messageOf(error)}`,
    {
      hint: `The results are kept: make room or name another file, then run: aqe-llm baseline --resume ${runId}`,
      cause: error,
    },
  );
}
