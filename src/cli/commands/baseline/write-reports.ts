import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { AppError, messageOf, type ExitCode } from '../../../core/errors.ts';
import { kindOf } from '../../../quality/kinds/registry.ts';
import type { PastRun, TaskDetails } from '../../../quality/reports/details.ts';
import { toHtml, toJson, toJUnit, toMarkdown, toTable } from '../../../quality/reports/index.ts';
import type { BaselineReport, SideReport } from '../../../quality/result.ts';
import { REFERENCE, type RunPlan, type Side } from '../../../quality/run/plan.ts';
import type { RunStore } from '../../../quality/run/run-store.ts';
import type { Suite } from '../../../quality/suites/suite.ts';
import { exitCodeOf } from '../../../quality/verdict.ts';
import type { Runtime } from '../../../runtime.ts';
import type { CommandContext } from '../../main.ts';

/** Where reports go. */
export interface ReportFlags {
  html?: string;
  junit?: string;
  markdown?: string;
  allowMarginal?: boolean;
  /** Whether the JSON holds the answers too. */
  answers?: boolean;
}

/** Earlier runs that a page draws. */
const MOST_PAST = 30;

/**
 * Writes the page and the files asked for, prints the result, and returns what the process exits with.
 * @param suite absent where the tasks' sources are not at hand
 */
export async function publish(
  { host, output }: CommandContext,
  runtime: Runtime,
  store: RunStore,
  { plan, report, suite }: { plan: RunPlan; report: BaselineReport; suite: Suite | undefined },
  flags: ReportFlags,
): Promise<ExitCode> {
  const { id } = report.run;
  const allowMarginal = flags.allowMarginal === true;
  const page = path.resolve(
    host.cwd,
    flags.html ?? path.join(runtime.config.state, 'runs', id, 'report.html'),
  );
  try {
    const tasks = detailsOf(plan, report, suite, store);
    await writeWhole(page, toHtml({ report, tasks, history: historyOf(plan, report, store) }));
    if (flags.junit !== undefined) {
      await writeWhole(path.resolve(host.cwd, flags.junit), toJUnit(report, { allowMarginal }));
    }
    if (flags.markdown !== undefined) {
      await appendFile(path.resolve(host.cwd, flags.markdown), toMarkdown(report));
    }
  } catch (error) {
    throw unwritable(error, id);
  }
  if (output.json) {
    output.result(toJson(flags.answers === true ? withAnswers(plan, report, store) : report));
  } else output.result(toTable(report, { width: output.width, color: output.color }));
  output.note(`Page: ${page}`);
  return exitCodeOf(
    report.candidates.map(({ verdict }) => verdict),
    allowMarginal,
  );
}

function withAnswers(plan: RunPlan, report: BaselineReport, store: RunStore): BaselineReport {
  const add = <Reported extends SideReport>(reported: Reported, side: Side): Reported => ({
    ...reported,
    tasks: reported.tasks.map((task) => {
      const key = { runId: report.run.id, side, taskId: task.id, repeat: task.repeat };
      const answer = store.answer(key)?.completion.text;
      return task.state === 'graded' && answer !== undefined ? { ...task, answer } : task;
    }),
  });
  return {
    ...report,
    reference: add(report.reference, REFERENCE),
    candidates: report.candidates.map((candidate, index) =>
      add(candidate, plan.candidates[index] ?? ''),
    ),
  };
}

function detailsOf(
  plan: RunPlan,
  report: BaselineReport,
  suite: Suite | undefined,
  store: RunStore,
): TaskDetails[] {
  const runId = report.run.id;
  const tasks = new Map(suite?.tasks.map((task) => [task.id, task]));
  const answer = (side: Side, taskId: string, repeat: number): string | null =>
    store.answer({ runId, side, taskId, repeat })?.completion.text ?? null;
  return Array.from({ length: plan.repeats }, (_, repeat) =>
    plan.taskIds.flatMap((id) => {
      const task = tasks.get(id);
      if (task === undefined) return [];
      return {
        id,
        repeat,
        title: task.title,
        exhibits: kindOf(task.category).exhibits(task),
        answers: plan.candidates.map((spec) => answer(spec, id, repeat)),
        referenceAnswer: answer(REFERENCE, id, repeat),
      };
    }),
  ).flat();
}

/** Earlier verdicts on each candidate with the same suite, whatever its hash. */
function historyOf(plan: RunPlan, report: BaselineReport, store: RunStore): PastRun[][] {
  return plan.candidates.map((candidate) =>
    store
      .verdicts({ suite: plan.suiteName, candidate, limit: MOST_PAST })
      .filter(({ run }) => run.id !== report.run.id)
      .map(({ run, verdict }) => ({
        runId: run.id,
        finishedAt: run.finishedAt ?? run.startedAt,
        suiteHash: run.plan.suiteHash,
        reference: run.plan.reference,
        verdict,
      }))
      .toReversed(),
  );
}

/** Writes a file so that a reader sees all of it or none. */
async function writeWhole(file: string, text: string): Promise<void> {
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}

function unwritable(error: unknown, runId: string): AppError {
  return new AppError(
    'baseline.report-not-written',
    `A report cannot be written: ${messageOf(error)}`,
    {
      hint: `The results are kept: make room or name another file, then run: aqe-llm baseline --resume ${runId}`,
      cause: error,
    },
  );
}
