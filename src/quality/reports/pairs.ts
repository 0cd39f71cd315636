import { groupBy } from '../../core/group-by.ts';
import { mean } from '../../core/statistics.ts';
import { tellingOf } from '../kinds/tellings.ts';
import type { Tally, TallyColumn } from '../kinds/telling.ts';
import type {
  BaselineReport,
  Category,
  Complexity,
  GradedTask,
  SideReport,
  TaskResult,
} from '../result.ts';

/** One answer of the candidate beside the reference's answer to the same task. */
export interface TaskPair {
  /** The task's id, with its repeat where the run has several. */
  label: string;
  candidate: TaskResult;
  /** Absent when the reference has no such answer. */
  reference: TaskResult | undefined;
}

/** One candidate's tasks in the report's order, each with the reference's result of the same repeat. */
export function pairTasks(candidate: SideReport, reference: SideReport): TaskPair[] {
  const references = new Map(reference.tasks.map((task) => [keyOf(task), task]));
  const repeated = isRepeated(candidate);
  return candidate.tasks.map((task) => ({
    label: labelOf(task, repeated),
    candidate: task,
    reference: references.get(keyOf(task)),
  }));
}

/** One question of the run with everybody's answers. */
export interface TaskRow {
  /** The task's id, with its repeat where the run has several. */
  label: string;
  category: Category;
  complexity: Complexity;
  reference: TaskResult | undefined;
  /** In the order of the report's candidates. */
  candidates: (TaskResult | undefined)[];
}

/** The questions of a run, in the order of the first candidate's answers. */
export function rowsOf({ reference, candidates }: BaselineReport): TaskRow[] {
  const byKey = (side: SideReport): Map<string, TaskResult> =>
    new Map(side.tasks.map((task) => [keyOf(task), task]));
  const references = byKey(reference);
  const answers = candidates.map(byKey);
  const questions = new Map(
    [...candidates, reference].flatMap(({ tasks }) => tasks.map((task) => [keyOf(task), task])),
  );
  const repeated = candidates.some(isRepeated);
  return [...questions].map(([key, task]) => ({
    label: labelOf(task, repeated),
    category: task.category,
    complexity: task.complexity,
    reference: references.get(key),
    candidates: answers.map((side) => side.get(key)),
  }));
}

function keyOf(task: TaskResult): string {
  return `${task.id} ${task.repeat}`;
}

function isRepeated(side: SideReport): boolean {
  return side.tasks.some((task) => task.repeat > 0);
}

function labelOf({ id, repeat }: TaskResult, repeated: boolean): string {
  return repeated ? `${id} #${repeat + 1}` : id;
}

/** 0–10, or null for a task that was not graded. */
export function scoreOf(task: TaskResult | undefined): number | null {
  return task?.state === 'graded' ? task.score : null;
}

/** Candidate's score less the reference's; null unless both were graded. */
export function differenceOf(pair: TaskPair): number | null {
  const candidate = scoreOf(pair.candidate);
  const reference = scoreOf(pair.reference);
  return candidate === null || reference === null ? null : candidate - reference;
}

/** A count of an answer, or null for a task that was not graded. */
export function tallyOf(
  task: TaskResult,
  column: TallyColumn<GradedTask['evidence']>,
): Tally | null {
  return task.state === 'graded' ? column.of(task.evidence) : null;
}

/** The points of one part, or null for a task that was not graded. */
export function pointsOf(task: TaskResult | undefined, name: string): number | null {
  if (task?.state !== 'graded') return null;
  return task.parts.find((part) => part.name === name)?.points ?? null;
}

/**
 * What a reader should know about how an answer came to its score, in a few words each.
 * @param show.replayed whether to say that an answer is a recording; false where a column does
 */
export function marksOf(task: TaskResult, show = { replayed: true }): string[] {
  if (task.state === 'error') return [`error ${task.error.code}`];
  const { evidence } = task;
  const marks = tellingOf(task.category).marks(evidence);
  if (evidence.looped) marks.push('looped');
  if (evidence.truncated) marks.push('truncated');
  if (task.replayed && show.replayed) marks.push('replayed');
  return marks;
}

/** Means over the pairs of one complexity. */
export interface GroupMeans {
  name: string;
  /** Pairs in the group, and those of them where both sides were graded: the means are over these. */
  tasks: number;
  compared: number;
  candidate: number | null;
  reference: number | null;
  ratio: number | null;
}

const COMPLEXITIES: readonly Complexity[] = ['simple', 'moderate', 'complex'];

/** One row per complexity that occurs, simple first. */
export function byComplexity(pairs: readonly TaskPair[]): GroupMeans[] {
  return COMPLEXITIES.flatMap((name) => {
    const members = pairs.filter((pair) => pair.candidate.complexity === name);
    return members.length === 0 ? [] : [meansOf(name, members)];
  });
}

/** What is in each category that occurs, in the order of the report. */
export function inCategories<Item>(
  items: readonly Item[],
  categoryOf: (item: Item) => Category,
): { category: Category; members: Item[] }[] {
  return [...groupBy(items, categoryOf)].map(([category, members]) => ({ category, members }));
}

function meansOf(name: string, pairs: readonly TaskPair[]): GroupMeans {
  const both = pairs.flatMap((pair) => {
    const candidate = scoreOf(pair.candidate);
    const reference = scoreOf(pair.reference);
    return candidate === null || reference === null ? [] : [{ candidate, reference }];
  });
  const compared = both.length;
  const means = { name, tasks: pairs.length, compared };
  if (compared === 0) return { ...means, candidate: null, reference: null, ratio: null };
  const candidate = mean(both.map((scores) => scores.candidate));
  const reference = mean(both.map((scores) => scores.reference));
  return { ...means, candidate, reference, ratio: reference === 0 ? null : candidate / reference };
}
