import { groupBy } from '../../core/group-by.ts';
import { differenceOfMeans, type DifferenceInterval, type Pair } from '../../core/intervals.ts';
import { AppError } from '../../core/errors.ts';
import { mean } from '../../core/statistics.ts';
import { CATEGORIES } from '../kinds/tellings.ts';
import type { Category, TaskResult } from '../result.ts';

/** One side of a run, as a comparison names it. */
export interface ComparedSide {
  runId: string;
  suite: string;
  suiteHash: string;
  /** Provider and model. */
  id: string;
  tasks: readonly TaskResult[];
}

/** Mean scores of the same tasks on both sides, and how far apart they are. */
export interface Difference {
  /** Tasks graded on both sides, repeats counted. */
  compared: number;
  /** Mean scores, 0–10; null where nothing could be compared. */
  before: number | null;
  after: number | null;
  /** After less before, with a two-sided 95 % interval; null where there are too few tasks. */
  difference: number | null;
  lower: number | null;
  upper: number | null;
  clusters: number;
  method: DifferenceInterval['method'] | null;
}

export interface ChangedTask {
  id: string;
  category: Category;
  repeat: number;
  /** Scores; null where the task was not graded. */
  before: number | null;
  after: number | null;
}

export interface Comparison {
  schema: 'aqe-llm/comparison@1';
  before: Omit<ComparedSide, 'tasks'>;
  after: Omit<ComparedSide, 'tasks'>;
  /** `worse` and `better` only where the whole interval lies on one side of 0. */
  state: 'worse' | 'better' | 'no-difference' | 'unknown';
  overall: Difference;
  categories: (Difference & { category: Category })[];
  /** Tasks whose scores differ, the greatest loss first. */
  changed: ChangedTask[];
  /** Tasks with the same score. */
  unchanged: number;
  /** Ids of tasks that only one side has. */
  onlyBefore: string[];
  onlyAfter: string[];
}

/** Seed of the bootstrap; a comparison has no other chance in it. */
const SEED = 1;
/** Scores are rounded to a thousandth. */
const SAME = 0.0005;

/**
 * Compares two sides on the tasks that both have.
 * @throws AppError `baseline.other-suite` when their tasks are not the same ones
 */
export function compareSides(before: ComparedSide, after: ComparedSide): Comparison {
  if (before.suiteHash !== after.suiteHash) {
    throw new AppError(
      'baseline.other-suite',
      `${before.runId} ran suite ${before.suite} ${before.suiteHash.slice(0, 12)}, ${after.runId} ran ${after.suite} ${after.suiteHash.slice(0, 12)}.`,
      { hint: 'Scores of different suites are not comparable: run both with the same one.' },
    );
  }
  const keyOf = ({ id, repeat }: TaskResult): string => `${repeat} ${id}`;
  const olds = new Map(before.tasks.map((task) => [keyOf(task), task]));
  const news = new Map(after.tasks.map((task) => [keyOf(task), task]));
  const both = [...olds].flatMap(([key, old]) => {
    const now = news.get(key);
    return now === undefined ? [] : [{ old, now }];
  });
  const pairs = both.flatMap(({ old, now }): Pair[] =>
    old.state === 'graded' && now.state === 'graded'
      ? [
          {
            stratum: old.category,
            cluster: old.cluster,
            candidate: now.score,
            reference: old.score,
          },
        ]
      : [],
  );
  const byCategory = groupBy(pairs, ({ stratum }) => stratum);
  const tasks = both.map(({ old, now }): ChangedTask => ({
    id: old.id,
    category: old.category,
    repeat: old.repeat,
    before: old.state === 'graded' ? old.score : null,
    after: now.state === 'graded' ? now.score : null,
  }));
  const overall = differenceOf(pairs);
  const changed = tasks.filter(isChanged);
  return {
    schema: 'aqe-llm/comparison@1',
    before: nameOf(before),
    after: nameOf(after),
    state: stateOf(overall),
    overall,
    categories: CATEGORIES.flatMap((category) => {
      const members = byCategory.get(category);
      return members === undefined ? [] : [{ category, ...differenceOf(members) }];
    }),
    changed: changed.toSorted((a, b) => gain(a) - gain(b)),
    unchanged: tasks.length - changed.length,
    onlyBefore: onlyIn(olds, news),
    onlyAfter: onlyIn(news, olds),
  };
}

function differenceOf(pairs: readonly Pair[]): Difference {
  const interval = differenceOfMeans(pairs, SEED);
  const none = pairs.length === 0;
  const before = none ? null : mean(pairs.map((pair) => pair.reference));
  const after = none ? null : mean(pairs.map((pair) => pair.candidate));
  return {
    compared: pairs.length,
    before,
    after,
    difference: before === null || after === null ? null : after - before,
    lower: interval?.lower ?? null,
    upper: interval?.upper ?? null,
    clusters: new Set(pairs.map(({ stratum, cluster }) => `${stratum} ${cluster}`)).size,
    method: interval?.method ?? null,
  };
}

function stateOf({ lower, upper }: Difference): Comparison['state'] {
  if (lower === null || upper === null) return 'unknown';
  if (upper < 0) return 'worse';
  return lower > 0 ? 'better' : 'no-difference';
}

function isChanged({ before, after }: ChangedTask): boolean {
  if (before === null || after === null) return before !== after;
  return Math.abs(after - before) >= SAME;
}

/** A task that was not graded any more is the greatest loss. */
function gain({ before, after }: ChangedTask): number {
  return (after ?? -10) - (before ?? -10);
}

function onlyIn(one: ReadonlyMap<string, TaskResult>, other: ReadonlyMap<string, TaskResult>) {
  return [...one].flatMap(([key, { id, repeat }]) =>
    other.has(key) ? [] : [repeat === 0 ? id : `${id} #${repeat + 1}`],
  );
}

function nameOf({ runId, suite, suiteHash, id }: ComparedSide): Omit<ComparedSide, 'tasks'> {
  return { runId, suite, suiteHash, id };
}
