import { readFile } from 'node:fs/promises';
import path from 'node:path';
import Table from 'cli-table3';
import { ExitCode } from '../../../core/errors.ts';
import { plural } from '../../../quality/reports/format.ts';
import type { Candidate } from '../../../quality/suites/init/candidates.ts';
import {
  draftSuite,
  initSuite,
  requireSources,
  type Draft,
  type InitResult,
} from '../../../quality/suites/init/init.ts';
import { nameOf } from '../../../quality/suites/init/names.ts';
import { refuseExisting } from '../../../quality/suites/init/write.ts';
import type { CommandContext } from '../../main.ts';
import { runtimeFor } from '../../model.ts';
import { openKindDeps } from './deps.ts';

interface InitFlags {
  from: string;
  out?: string;
  max?: number;
  coverage?: string;
  dryRun?: boolean;
  allowUnsafeExec?: boolean;
}

const MAX_TASKS = 20;

/** `baseline suite init`: exit 1 when not one task could be made. */
export async function initCommand(context: CommandContext, flags: InitFlags): Promise<ExitCode> {
  const { host, output } = context;
  const runtime = await runtimeFor(context);
  const at = (file: string): string => path.resolve(host.cwd, file);
  const options = {
    from: at(flags.from),
    out: at(flags.out ?? 'aqe-suite'),
    max: flags.max ?? MAX_TASKS,
    coverage: flags.coverage === undefined ? undefined : at(flags.coverage),
    prompt: await promptOf(runtime.builtInSuite),
  };
  if (flags.dryRun !== true) await refuseExisting(options.out);
  const progress = await output.progress();
  try {
    progress.update('Looking for modules worth testing');
    const draft = await draftSuite(options);
    requireSources(draft, options.from);
    if (flags.dryRun === true) {
      const result = dryResult(draft, options.max);
      progress.stop();
      output.result(output.json ? JSON.stringify(result) : dryText(draft, options.max));
      return draft.drafts.length > 0 ? ExitCode.Ok : ExitCode.GateFailed;
    }
    const deps = await openKindDeps(runtime, flags, output);
    let result: InitResult | undefined;
    for await (const event of initSuite(options, draft, deps, host.signal)) {
      if (event.type === 'trying') {
        progress.update(
          `${event.file}: ${event.picked} tasks, ${event.tried} of ${event.of} tried`,
        );
      } else if (event.type === 'picked') {
        const { task, tests } = event.picked;
        progress.log(
          `${task.id}: ${plural(tests, 'test')}, ${plural(task.measured.mutants.length, 'mutant')}`,
        );
      } else if (event.type === 'refused') {
        progress.log(`${event.refusal.file}: refused, ${event.refusal.reasons.join('; ')}`);
      } else result = event.result;
    }
    if (result === undefined) throw new Error('the suite ended without a result');
    progress.stop();
    output.result(output.json ? JSON.stringify(toJson(result)) : toText(result, host.cwd));
    return result.suite.written ? ExitCode.Ok : ExitCode.GateFailed;
  } finally {
    progress.stop();
  }
}

/** The built-in prompt, which speaks of TypeScript. */
async function promptOf(builtIn: string): Promise<string> {
  const text = await readFile(path.join(builtIn, 'test-generation', 'prompt.md'), 'utf8');
  return text.replace('the TypeScript module', 'the module');
}

function candidateJson(candidate: Candidate) {
  const { file, only, inlined, lines, decisions, complexity, covered, tests } = candidate;
  return {
    file,
    ...(only === undefined ? {} : { function: only }),
    lines,
    decisions,
    complexity,
    ...(covered === undefined ? {} : { coverageNow: covered }),
    inlined,
    testFiles: tests.length,
  };
}

function dryResult({ name, drafts, ...draft }: Draft, max: number) {
  const { project, sources, waiting, refused, notes } = draft;
  const told = drafts.map(({ candidate, place, reference }) => ({
    id: place.id,
    ...candidateJson(candidate),
    tests: reference.tests,
    leftOut: reference.leftOut,
  }));
  return {
    dryRun: true,
    suite: { name },
    project,
    sources,
    wouldTry: told.slice(0, max),
    spare: told.slice(max),
    waiting: waiting.map(candidateJson),
    refused,
    notes,
  };
}

function toJson({ picked, waiting, spare, ...result }: InitResult) {
  return {
    ...result,
    picked: picked.map(({ task, candidate, tests, leftOut }) => ({
      id: task.id,
      ...candidateJson(candidate),
      complexityClass: task.complexity,
      tests,
      leftOut,
      statements: task.measured.statements,
      branches: task.measured.branches,
      mutants: task.measured.mutants.length,
      equivalent: task.measured.equivalent.length,
    })),
    waiting: waiting.map(candidateJson),
    spare: spare.map(candidateJson),
  };
}

function table(head: string[]): Table.Table {
  return new Table({ head, style: { head: [], border: [] } });
}

function percent({ covered, total }: { covered: number; total: number }): string {
  return total === 0 ? '–' : `${Math.round((100 * covered) / total)} %`;
}

function toText(result: InitResult, cwd: string): string {
  const { suite, picked, notes } = result;
  const rows = table([
    'task',
    'from',
    'decisions',
    'tests',
    'left out',
    'covered',
    'mutants',
    'missed',
  ]);
  for (const { task, candidate, tests, leftOut } of picked) {
    const { statements, branches, mutants, equivalent } = task.measured;
    const covered = {
      covered: statements.covered + branches.covered,
      total: statements.total + branches.total,
    };
    rows.push([
      task.id,
      nameOf(candidate),
      candidate.decisions,
      tests,
      leftOut.length,
      percent(covered),
      mutants.length,
      equivalent.length,
    ]);
  }
  const folder = path.relative(cwd, suite.folder) || '.';
  return [
    ...(picked.length > 0 ? [rows.toString()] : []),
    ...common(result),
    ...picked.flatMap(({ task, leftOut }) =>
      leftOut.length === 0
        ? []
        : [`${task.id} does without ${plural(leftOut.length, 'test')}: ${reasonsOf(leftOut)}`],
    ),
    ...(result.spare.length > 0
      ? [`Not tried, for want of room (--max): ${result.spare.map(nameOf).join(', ')}`]
      : []),
    ...notes,
    suite.written
      ? `${plural(picked.length, 'task')} in ${folder}. “missed” are changes that the tests did not notice: they count as equivalent until you write a fuzz.ts or better tests.\nNext: aqe-llm baseline suite check ${folder}, then aqe-llm baseline --suite ${folder}`
      : 'No task could be made, and nothing was written.',
  ].join('\n');
}

function dryText(draft: Draft, max: number): string {
  const rows = table(['task', 'from', 'complexity', 'decisions', 'lines', 'tests', 'coverage now']);
  for (const { candidate, place, reference } of draft.drafts) {
    const { decisions, complexity, lines, covered } = candidate;
    rows.push([
      place.id,
      nameOf(candidate),
      complexity,
      decisions,
      lines,
      reference.tests,
      covered === undefined ? '–' : percent(covered),
    ]);
  }
  return [
    ...(draft.drafts.length > 0 ? [rows.toString()] : []),
    ...common(draft),
    ...draft.notes,
    `${plural(draft.drafts.length, 'module')} would be tried until ${plural(max, 'task')} hold. Nothing was run or written.`,
  ].join('\n');
}

/** What waits, and what was refused, by reason. */
function common({
  project,
  sources,
  refused,
  waiting,
}: Pick<InitResult, 'project' | 'sources' | 'refused' | 'waiting'>): string[] {
  return [
    `${plural(sources, 'source')} of ${project.name ?? project.root}, tests for ${project.runner}${project.coverage === undefined ? '' : `, coverage from ${path.relative(project.root, project.coverage)}`}.`,
    ...(waiting.length > 0
      ? [
          `Worth a task, but no test file imports it (in waiting/, for you to write reference.test.ts): ${waiting.map(nameOf).join(', ')}`,
        ]
      : []),
    ...(refused.length > 0
      ? ['Refused:', ...refused.map(({ file, reasons }) => `  ${file}: ${reasons.join('; ')}`)]
      : []),
  ];
}

function reasonsOf(leftOut: readonly { reason: string }[]): string {
  return [...new Set(leftOut.map(({ reason }) => reason))].slice(0, 3).join('; ');
}
