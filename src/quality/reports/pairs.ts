import { groupBy } from '../../core/group-by.ts';
import { mean } from '../../core/statistics.ts';
import { tellingOf } from '../kinds/tellings.ts';
import type { Tally, TallyColumn } from '../kinds/telling.ts';
import type { BaselineReport, Category, Complexity, GradedTask, TaskResult } from '../result.ts';

/** One answer of the candidate beside the reference's answer to the same task. */
export interface TaskPair {
  /** The task's id, with its repeat where the run has several. */
  label: string;
  candidate: TaskResult;
  /** Absent when the reference has no such answer. */
  reference: TaskResult | undefined;
}

/** The candidate's tasks in the report's order, each with the reference's result of the same repeat. */
export function pairTasks(report: BaselineReport): TaskPair[] {
  const key = (task: TaskResult): string => `${task.id} ${task.repeat}`;
  const references = new Map(report.reference.tasks.map((task) => [key(task), task]));
  const repeated = report.candidate.tasks.some((task) => task.repeat > 0);
  return report.candidate.tasks.map((candidate) => ({
    label: repeated ? `${candidate.id} #${candidate.repeat + 1}` : candidate.id,
    candidate,
    reference: references.get(key(candidate)),
  }));
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

/** The pairs of each category that occurs, in the order of the report. */
export function inCategories(
  pairs: readonly TaskPair[],
): { category: Category; members: TaskPair[] }[] {
  return [...groupBy(pairs, ({ candidate }) => candidate.category)].map(([category, members]) => ({
    category,
    members,
  }));
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

/** The graded tasks of a side. */
export function gradedOf(tasks: readonly TaskResult[]): GradedTask[] {
  return tasks.filter((task) => task.state === 'graded');
}
