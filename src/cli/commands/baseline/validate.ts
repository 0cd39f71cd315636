import { appendFile, mkdir } from 'node:fs/promises';
import path from 'node:path';
import { AppError, ExitCode } from '../../../core/errors.ts';
import { testGenerationTasks } from '../../../quality/validate/bases.ts';
import type { IndependenceReport } from '../../../quality/validate/independence.ts';
import type { ValidationPlan } from '../../../quality/validate/plan.ts';
import { validationMarkdown, validationTable } from '../../../quality/validate/render.ts';
import { runValidation, type ValidationRun } from '../../../quality/validate/run.ts';
import type { ValidationStore } from '../../../quality/validate/store.ts';
import { createVariations } from '../../../quality/validate/variation.ts';
import { isWritten, WrittenAnswers } from '../../../quality/validate/written-answers.ts';
import { loadSuite, type Suite } from '../../../quality/suites/suite.ts';
import type { Runtime } from '../../../runtime.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import type { Output } from '../../output/output.ts';
import { lockRun } from './lock.ts';

export interface ValidateFlags {
  suite?: string;
  candidate?: string[];
  tasks?: number;
  grade?: number;
  seed?: number;
  maxTokens?: number;
  temperature?: number;
  concurrency?: number;
  monthlyRequests?: number;
  infrastructureUsd?: number;
  resume?: string | true;
  markdown?: string;
  allowUnsafeExec?: boolean;
}

const TASKS = 10_000;
const GRADED = 200;
/** One a minute, as the plan reckons. */
const MONTHLY_REQUESTS = 43_200;

const EXIT_CODES: Record<IndependenceReport['verdict'], ExitCode> = {
  independent: ExitCode.Ok,
  'not-independent': ExitCode.GateFailed,
  inconclusive: ExitCode.Inconclusive,
};

/** `baseline validate`: many generated tasks through the router, and whether the fleet is independent. */
export async function validateCommand(
  context: CommandContext,
  flags: ValidateFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  const runtime = await runtimeFor(context);
  const sandbox = await runtime.openSandbox(flags.allowUnsafeExec === true);
  if (sandbox.tier === 'unsafe')
    output.note('warning: answers run without a sandbox (--allow-unsafe-exec)');
  const store = runtime.openValidations();
  const { run, suite } =
    flags.resume === undefined
      ? await startRun(context, runtime, store, flags)
      : await resumeRun(store, flags.resume);
  const variations = createVariations(testGenerationTasks(suite.tasks), run.plan.seed);
  if (variations.bases.length === 0) {
    throw new AppError('baseline.no-variations', `No variations can be made of ${suite.name}.`, {
      hint: 'They are made of measured test-generation tasks whose tests expect words of the module’s messages.',
    });
  }
  const lock = await lockRun(runtime, run.id, output, host.signal);
  const folder = path.join(runtime.config.state, 'runs', run.id);
  await mkdir(folder, { recursive: true });
  const kind = run.plan.candidate.replace(/^replay:/, '');
  const written =
    run.plan.candidate.startsWith('replay:') && isWritten(kind)
      ? new WrittenAnswers(kind)
      : undefined;
  const router = await runtime.openRouter({
    onEvent: (event) => {
      if (event.type === 'trouble') output.note(`warning: ${event.message}`);
    },
    busy: true,
    ...(written === undefined ? {} : { standIn: { provider: written.provider, state: folder } }),
  });
  try {
    const stop = AbortSignal.any([host.signal, lock.lost]);
    const deps = {
      store,
      router,
      ...(written === undefined ? {} : { written }),
      kinds: {
        executor: await runtime.createExecutor(sandbox),
        typeCheck: await runtime.createTypeChecker(),
      },
      clock: runtime.clock,
      concurrency: flags.concurrency ?? (written === undefined ? 1 : runtime.cores),
      template: suite.prompts['test-generation'] ?? '',
      variations,
    };
    const report = await follow(runValidation(run, deps, stop), run, output);
    if (flags.markdown !== undefined) {
      await appendFile(path.resolve(host.cwd, flags.markdown), validationMarkdown(report));
    }
    output.result(output.json ? JSON.stringify(report) : validationTable(report));
    return EXIT_CODES[report.verdict];
  } catch (error) {
    lock.lost.throwIfAborted();
    throw error;
  } finally {
    await router.close();
    await lock.release();
  }
}

async function startRun(
  { host }: CommandContext,
  runtime: Runtime,
  store: ValidationStore,
  flags: ValidateFlags,
): Promise<{ run: ValidationRun; suite: Suite }> {
  const { baseline } = runtime.config;
  const folder =
    flags.suite === undefined
      ? (baseline.suite ?? runtime.builtInSuite)
      : path.resolve(host.cwd, flags.suite);
  const suite = await loadSuite(folder);
  const [candidate = 'router', ...others] = flags.candidate ?? [];
  if (others.length > 0) {
    throw new AppError('usage.one-candidate', 'A validation has one candidate.', {
      hint: 'Start one for each.',
    });
  }
  const tasks = flags.tasks ?? TASKS;
  if (candidate.startsWith('replay:') && !isWritten(candidate.slice('replay:'.length))) {
    throw new AppError('baseline.unknown-side', `${candidate} has no answers to generated tasks.`, {
      hint: 'Known are router (the configured tiers), replay:gold, replay:empty, and any target as <server>:<model>.',
    });
  }
  const plan: ValidationPlan = {
    suiteFolder: folder,
    suiteName: suite.name,
    suiteHash: suite.hash,
    candidate,
    tasks,
    graded: Math.min(flags.grade ?? GRADED, tasks),
    seed: flags.seed ?? baseline.seed,
    maxTokens: flags.maxTokens ?? baseline.maxTokens,
    temperature: flags.temperature ?? baseline.temperature,
    monthlyRequests: flags.monthlyRequests ?? MONTHLY_REQUESTS,
    infrastructureUsd: flags.infrastructureUsd ?? 0,
  };
  const run = {
    id: runtime.newRunId(),
    plan,
    startedAt: new Date(runtime.clock.now()).toISOString(),
  };
  store.create(run);
  return { run, suite };
}

async function resumeRun(
  store: ValidationStore,
  resume: string | true,
): Promise<{ run: ValidationRun; suite: Suite }> {
  const run = store.find(resume === true ? undefined : resume);
  if (run === undefined) {
    throw new AppError(
      'baseline.no-run',
      resume === true ? 'There is no unfinished validation.' : `There is no validation ${resume}.`,
      { hint: 'Start one with: aqe-llm baseline validate. Runs belong to a state folder.' },
    );
  }
  const suite = await loadSuite(run.plan.suiteFolder);
  if (suite.hash !== run.plan.suiteHash) {
    throw new AppError(
      'baseline.suite-changed',
      `The suite was changed since run ${run.id} started.`,
      { hint: 'Undo the change to go on with that run, or start a new one.' },
    );
  }
  return { run, suite };
}

async function follow(
  events: ReturnType<typeof runValidation>,
  run: ValidationRun,
  output: Output,
): Promise<IndependenceReport> {
  const line = await output.progress();
  let total = run.plan.tasks;
  try {
    for await (const event of events) {
      if (event.type === 'finished') return event.report;
      if (event.type === 'started') {
        ({ total } = event);
        line.log(
          event.done === 0
            ? `Run ${run.id}: ${total} tasks through ${run.plan.candidate}, ${run.plan.graded} of them graded`
            : `Run ${run.id}: going on, ${event.done} of ${total} tasks are there`,
        );
      } else {
        const failed = event.failed === 0 ? '' : `, ${event.failed} not answered`;
        line.update(`${event.done} of ${total} tasks${failed}`);
      }
    }
  } catch (error) {
    line.log(`Go on with: aqe-llm baseline validate --resume ${run.id}`);
    throw error;
  } finally {
    line.stop();
  }
  throw new Error('the run ended without a report');
}
