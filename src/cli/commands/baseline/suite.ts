import path from 'node:path';
import Table from 'cli-table3';
import { AppError, ExitCode } from '../../../core/errors.ts';
import { buildSuite } from '../../../quality/suites/build.ts';
import { checkSuite, type CheckOutcome } from '../../../quality/suites/check.ts';
import type { Counts } from '../../../quality/kinds/kind.ts';
import { plural } from '../../../quality/reports/format.ts';
import { loadSuite } from '../../../quality/suites/suite.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { openKindDeps } from './deps.ts';

interface SuiteFlags {
  task?: string[];
  allowUnsafeExec?: boolean;
}

/** `baseline suite check`: exit 1 when a task is unsound. */
export async function checkCommand(
  context: CommandContext,
  folder: string | undefined,
  flags: SuiteFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  const runtime = await runtimeFor(context);
  const suite = await loadSuite(
    folder === undefined ? runtime.builtInSuite : path.resolve(host.cwd, folder),
  );
  const deps = await openKindDeps(runtime, flags, output);
  const progress = await output.progress();
  const outcomes: CheckOutcome[] = [];
  try {
    progress.update(`Checking ${suite.tasks.length} tasks`);
    for await (const outcome of checkSuite(suite.tasks, deps, runtime.cores, host.signal)) {
      outcomes.push(outcome);
      progress.update(`${outcomes.length} of ${suite.tasks.length} tasks checked`);
    }
  } finally {
    progress.stop();
  }
  const sound = outcomes.every((outcome) => outcome.problems.length === 0);
  if (output.json) {
    const { name, hash } = suite;
    output.result(JSON.stringify({ suite: name, suiteHash: hash, sound, tasks: outcomes }));
  } else {
    output.result(checkTable(outcomes, sound));
  }
  return sound ? ExitCode.Ok : ExitCode.GateFailed;
}

/** `baseline suite build`: exit 1 when a task's reference does not hold. */
export async function buildCommand(
  context: CommandContext,
  folder: string,
  flags: SuiteFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  const runtime = await runtimeFor(context);
  const suite = await loadSuite(path.resolve(host.cwd, folder));
  const unknown = (flags.task ?? []).filter((id) => !suite.tasks.some((task) => task.id === id));
  if (unknown.length > 0) {
    throw new AppError('suite.unknown-task', `The suite has no task ${unknown.join(', ')}.`, {
      hint: `It has ${suite.tasks.map((task) => task.id).join(', ')}.`,
    });
  }
  const tasks = suite.tasks.filter(({ id }) => flags.task?.includes(id) ?? true);
  const deps = await openKindDeps(runtime, flags, output);
  const progress = await output.progress();
  const outcomes = [];
  try {
    progress.update(`Measuring ${tasks.length} tasks`);
    for await (const outcome of buildSuite(tasks, deps, runtime.cores, host.signal)) {
      outcomes.push(outcome);
      progress.log(
        outcome.state === 'built'
          ? `${outcome.taskId}: ${counted(outcome.counts)}`
          : `${outcome.taskId}: refused\n${outcome.problems.map((problem) => `  ${problem}`).join('\n')}`,
      );
      progress.update(`${outcomes.length} of ${tasks.length} tasks measured`);
    }
  } finally {
    progress.stop();
  }
  const refused = outcomes.filter((outcome) => outcome.state === 'refused');
  if (output.json) output.result(JSON.stringify({ suite: suite.name, tasks: outcomes }));
  else output.result(`${outcomes.length - refused.length} of ${outcomes.length} tasks measured.`);
  return refused.length === 0 ? ExitCode.Ok : ExitCode.GateFailed;
}

/** `12 mutants, 2 equivalent` */
function counted(counts: Counts): string {
  return Object.entries(counts)
    .map(([name, count]) => `${count} ${name}`)
    .join(', ');
}

function checkTable(outcomes: readonly CheckOutcome[], sound: boolean): string {
  const table = new Table({
    head: ['task', 'gold', 'empty', 'measured', ''],
    style: { head: [], border: [] },
    colAligns: ['left', 'right', 'right', 'left', 'left'],
  });
  const score = (value: number | undefined): string => value?.toFixed(2) ?? '–';
  for (const { taskId, gold, empty, counts, problems } of outcomes) {
    const state = problems.length === 0 ? 'sound' : plural(problems.length, 'problem');
    table.push([taskId, score(gold), score(empty), counted(counts), state]);
  }
  const lines = outcomes.flatMap(({ taskId, problems }) =>
    problems.map((problem) => `${taskId}: ${problem}`),
  );
  const unsound = outcomes.filter((outcome) => outcome.problems.length > 0).length;
  const verdict = sound
    ? `${plural(outcomes.length, 'task')}, all sound.`
    : `${plural(outcomes.length, 'task')}, ${unsound} unsound.`;
  return [table.toString(), ...lines, verdict].join('\n');
}
