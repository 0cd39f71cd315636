import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, messageOf, type ExitCode } from '../../../core/errors.ts';
import type { Recording } from '../../../providers/replay/recording.ts';
import { readReport } from '../../../quality/reports/read-report.ts';
import type { BaselineReport } from '../../../quality/result.ts';
import { mergeReports, type NamedReport } from '../../../quality/run/merge.ts';
import { REFERENCE, type RunPlan, type Side } from '../../../quality/run/plan.ts';
import type { RunStore } from '../../../quality/run/run-store.ts';
import { loadSuite, type Suite } from '../../../quality/suites/suite.ts';
import type { Runtime } from '../../../runtime.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { publish, type ReportFlags } from './write-reports.ts';

interface MergeFlags extends ReportFlags {
  suite?: string;
}

/** `baseline merge`: the verdict of a run whose shards ran elsewhere. The merged run is stored like any other. */
export async function mergeCommand(
  context: CommandContext,
  files: readonly string[],
  flags: MergeFlags,
): Promise<ExitCode> {
  const { host } = context;
  const runtime = await runtimeFor(context);
  const shards: NamedReport[] = [];
  for (const name of files) {
    const text = await readText(path.resolve(host.cwd, name), name);
    shards.push({ name, report: readReport(name, text) });
  }
  const merged = mergeReports(shards, runtime.newRunId());
  const suite = await suiteAtHand(merged, flags.suite, host.cwd, runtime);
  const plan = planOf(merged, suite);
  const store = runtime.openStore();
  keep(merged, plan, store, new Date(runtime.clock.now()).toISOString());
  const report = withoutAnswers(merged);
  return publish(context, runtime, store, { plan, report, suite }, flags);
}

async function readText(file: string, name: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new AppError('baseline.bad-report', `${name} cannot be read: ${messageOf(error)}`, {
      hint: 'Name the files that the shards printed with --json.',
      cause: error,
    });
  }
}

/** The suite of the report, for the sources on its page; a page can do without. */
async function suiteAtHand(
  { run }: BaselineReport,
  folder: string | undefined,
  cwd: string,
  { config, builtInSuite }: Runtime,
): Promise<Suite | undefined> {
  const suite = await loadSuite(
    folder === undefined ? (config.baseline.suite ?? builtInSuite) : path.resolve(cwd, folder),
  );
  if (suite.hash === run.suiteHash) return suite;
  if (folder === undefined) return undefined;
  throw new AppError('baseline.other-suite', `${folder} is not the suite of these reports.`, {
    hint: `They are of ${run.suite} ${run.suiteHash.slice(0, 12)}; leave --suite out to do without the tasks’ sources on the page.`,
  });
}

function planOf({ run, reference, candidates }: BaselineReport, suite: Suite | undefined): RunPlan {
  const [first] = candidates;
  return {
    version: 2,
    suiteFolder: suite?.folder ?? '',
    suiteName: run.suite,
    suiteHash: run.suiteHash,
    taskIds: [...new Set(first?.tasks.map(({ id }) => id))],
    candidates: candidates.map(({ id }) => id),
    reference: reference.id,
    seed: run.seed,
    repeats: run.repeats,
    maxTokens: run.maxTokens,
    temperature: run.temperature,
    rubric: run.rubric,
    shard: null,
    thresholds: run.thresholds,
    maxCostUsd: null,
  };
}

function keep(report: BaselineReport, plan: RunPlan, store: RunStore, now: string): void {
  const { run, reference, candidates } = report;
  store.create({ id: run.id, plan, startedAt: run.startedAt });
  store.saveEnvironment(run.id, { sandbox: run.sandbox, versions: run.versions });
  const sides: [Side, BaselineReport['reference']][] = [
    [REFERENCE, reference],
    ...candidates.map((each): [Side, BaselineReport['reference']] => [each.id, each]),
  ];
  for (const [side, { id, tasks }] of sides) {
    store.saveSide(run.id, side, { name: id, versions: {} });
    for (const task of tasks) {
      const { answer, ...result } = task.state === 'graded' ? task : { ...task, answer: undefined };
      const key = { runId: run.id, side, taskId: task.id, repeat: task.repeat };
      store.saveResult(key, result);
      if (answer !== undefined) {
        const recording = recordingOf(id, answer);
        store.saveAnswer(key, { recordingKey: '', recording, answeredAt: now });
      }
    }
  }
  store.finish(run.id, new Map(candidates.map(({ id, verdict }) => [id, verdict])), now);
}

/** As any report; the store has the answers. */
function withoutAnswers(report: BaselineReport): BaselineReport {
  const strip = <Reported extends BaselineReport['reference']>(side: Reported): Reported => ({
    ...side,
    tasks: side.tasks.map((task) => {
      const { answer: _answer, ...rest } = { answer: undefined, ...task };
      return rest;
    }),
  });
  return {
    ...report,
    reference: strip(report.reference),
    candidates: report.candidates.map(strip),
  };
}

/** An answer that was timed elsewhere. */
function recordingOf(model: string, text: string): Recording {
  return {
    completion: { model, text, finishReason: 'stop', usage: {}, timing: { measured: false } },
    looped: false,
  };
}
