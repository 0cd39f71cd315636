import { AppError, type Problem } from '../../core/errors.ts';
import type { ReadReport, ReadSide } from '../reports/read-report.ts';
import type { BaselineReport, RunFacts, SideReport } from '../result.ts';
import { summarize } from '../summary.ts';
import { shardOf } from './plan.ts';
import { assemble } from './report.ts';

/** A shard's report, and the name of the file it came from. */
export interface NamedReport {
  name: string;
  report: ReadReport;
}

/**
 * Makes one report of the shards of a run. Verdict and summaries are those that one run over all
 * tasks would have got from the same answers.
 * @throws AppError `baseline.no-merge` naming everything that does not fit together
 */
export function mergeReports(shards: readonly NamedReport[], id: string): BaselineReport {
  const [first] = shards;
  if (first === undefined) throw new AppError('baseline.no-merge', 'There is nothing to merge.');
  const problems = shards.flatMap((other) => differences(first, other));
  if (problems.length === 0) problems.push(...gaps(shards));
  if (problems.length > 0) {
    throw new AppError('baseline.no-merge', 'These reports are not the shards of one run.', {
      problems,
      hint: 'Run each shard with the same suite, sides, seed, sampling and filter: aqe-llm baseline --shard <n>/<of> --json',
    });
  }
  const { run, reference, candidates } = first.report;
  const order = new Map(run.shard?.taskIds.map((task, index) => [task, index]));
  const place = (task: string): number => order.get(task) ?? 0;
  const merged = (
    pick: (report: ReadReport) => ReadSide | undefined,
    side: ReadSide,
  ): SideReport => {
    const sides = shards.flatMap(({ report }) => pick(report) ?? []);
    const tasks = sides
      .flatMap((each) => each.tasks)
      .toSorted((a, b) => place(a.id) - place(b.id) || a.repeat - b.repeat);
    return summarize(side.id, tasks, sumUsd(sides));
  };
  const facts: RunFacts = {
    ...run,
    id,
    shard: null,
    startedAt: shards.map(({ report }) => report.run.startedAt).toSorted()[0] ?? run.startedAt,
    sandbox: joined(shards.map(({ report }) => report.run.sandbox)),
    versions: joinedVersions(shards),
  };
  return assemble(
    facts,
    merged((report) => report.reference, reference),
    candidates.map((candidate, index) => merged((report) => report.candidates[index], candidate)),
  );
}

/** What two shards of one run must agree in. */
const SHARED = [
  'suite',
  'suiteHash',
  'seed',
  'repeats',
  'maxTokens',
  'temperature',
  'rubric',
  'thresholds',
] as const satisfies readonly (keyof RunFacts)[];

function differences(one: NamedReport, other: NamedReport): Problem[] {
  const path = other.name;
  if (other.report.run.shard === null) {
    return [{ path, message: 'is a whole run and no shard' }];
  }
  const problems: Problem[] = [];
  const compare = (what: string, expected: unknown, found: unknown): void => {
    const [left, right] = [JSON.stringify(expected), JSON.stringify(found)];
    if (left !== right) {
      problems.push({
        path,
        message: `${what} is ${brief(right)}; in ${one.name} it is ${brief(left)}`,
      });
    }
  };
  for (const name of SHARED) compare(name, one.report.run[name], other.report.run[name]);
  compare('the number of shards', one.report.run.shard?.of, other.report.run.shard.of);
  compare('the list of tasks', one.report.run.shard?.taskIds, other.report.run.shard.taskIds);
  compare('the reference', one.report.reference.id, other.report.reference.id);
  const ids = ({ report }: NamedReport): string[] => report.candidates.map((side) => side.id);
  compare('the candidates', ids(one), ids(other));
  return problems;
}

/** Shards that are there twice or not at all, and tasks that a shard lacks. */
function gaps(shards: readonly NamedReport[]): Problem[] {
  const all = shards[0]?.report.run.shard;
  if (all === null || all === undefined) return [];
  const problems: Problem[] = [];
  for (let index = 1; index <= all.of; index++) {
    const found = shards.filter(({ report }) => report.run.shard?.index === index);
    const path = `shard ${index}/${all.of}`;
    const [shard, ...others] = found;
    const { taskIds } = shardOf(all.taskIds, { index, of: all.of });
    if (shard === undefined) {
      problems.push({ path, message: `is missing (${taskIds.length} tasks)` });
      continue;
    }
    if (others.length > 0) {
      problems.push({
        path,
        message: `is there twice: ${found.map(({ name }) => name).join(', ')}`,
      });
    }
    for (const side of [shard.report.reference, ...shard.report.candidates]) {
      const done = new Set(side.tasks.map(({ id, repeat }) => `${repeat} ${id}`));
      const missing = taskIds.filter((task) =>
        Array.from({ length: shard.report.run.repeats }, (_, repeat) => `${repeat} ${task}`).some(
          (key) => !done.has(key),
        ),
      );
      if (missing.length > 0) {
        problems.push({ path: shard.name, message: `${side.id} lacks ${missing.join(', ')}` });
      }
    }
  }
  return problems;
}

function sumUsd(sides: readonly ReadSide[]): number | null {
  return sides.reduce<number | null>(
    (sum, { costUsd }) => (sum === null || costUsd === null ? null : sum + costUsd),
    0,
  );
}

function joined(values: readonly string[]): string {
  return [...new Set(values)].join(' / ');
}

/** What differs between machines stands side by side. */
function joinedVersions(shards: readonly NamedReport[]): Record<string, string> {
  const names = new Set(shards.flatMap(({ report }) => Object.keys(report.run.versions)));
  return Object.fromEntries(
    [...names].map((name) => [
      name,
      joined(shards.map(({ report }) => report.run.versions[name] ?? '–')),
    ]),
  );
}

function brief(json: string | undefined): string {
  const text = json ?? 'nothing';
  return text.length <= 80 ? text : `${text.slice(0, 77)}…`;
}
