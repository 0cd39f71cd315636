import type { ExitCode } from '../../../core/errors.ts';
import { runBaseline } from '../../../quality/baseline.ts';
import type { BaselineReport } from '../../../quality/result.ts';
import type { BaselineEvent, BaselineRun } from '../../../quality/run/events.ts';
import { sidesOf } from '../../../quality/run/plan.ts';
import type { Runtime } from '../../../runtime.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import type { Output } from '../../output/output.ts';
import { openBaselineDeps, openKindDeps, sideOpener } from './deps.ts';
import { lockRun } from './lock.ts';
import { BaselineProgress } from './progress.ts';
import { resumeRun, startRun, type PlanFlags } from './start.ts';
import { publish, type ReportFlags } from './write-reports.ts';

export interface RunFlags extends PlanFlags, ReportFlags {
  threads?: number;
  resume?: string | true;
  retryErrors?: boolean;
  allowUnsafeExec?: boolean;
}

/** `aqe-llm baseline`: runs or resumes, reports, and exits by the verdict. */
export async function runCommand(context: CommandContext, flags: RunFlags): Promise<ExitCode> {
  const { host, output } = context;
  const { signal } = host;
  const runtime = await runtimeFor(context, { threads: flags.threads });
  // Refuse before anything slow happens.
  const kinds = await openKindDeps(runtime, flags, output);
  const store = runtime.openStore();
  const retryErrors = flags.retryErrors === true;
  const resume = flags.resume ?? (retryErrors ? true : undefined);
  const { run, suite } =
    resume === undefined
      ? await startRun(host.cwd, runtime, store, flags)
      : await resumeRun(store, { ...flags, resume, retryErrors });
  const specs = sidesOf(run.plan).map(({ spec }) => spec);
  const openProvider = await sideOpener({ runId: run.id, specs }, runtime, output, signal);
  const deps = openBaselineDeps(runtime, store, kinds, openProvider);
  const lock = await lockRun(runtime, run.id, output, signal);
  try {
    if (retryErrors) store.forgetErrors(run.id);
    const stop = AbortSignal.any([signal, lock.lost]);
    const report = await follow(runBaseline(suite, run, deps, stop), output, runtime, run);
    return await publish(context, runtime, store, { plan: run.plan, report, suite }, flags);
  } catch (error) {
    lock.lost.throwIfAborted();
    throw error;
  } finally {
    await lock.release();
  }
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
