import { mean } from '../../core/statistics.ts';
import type { BaselineReport, Category, Complexity, GradedTask, TaskResult } from '../result.ts';
import { plural } from './format.ts';

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

export interface Tally {
  done: number;
  total: number;
}

/** Tests that passed in every rerun, of all that ran. */
export function testsOf(task: TaskResult): Tally | null {
  if (task.state !== 'graded') return null;
  const { tests } = task.evidence;
  return { done: tests.filter((test) => test.state === 'passed').length, total: tests.length };
}

/** Mutants killed, of the task's list; a timeout is a kill. */
export function mutantsOf(task: TaskResult): Tally | null {
  if (task.state !== 'graded') return null;
  const { mutants } = task.evidence;
  const killed = mutants.filter(({ state }) => state === 'killed' || state === 'timeout');
  return { done: killed.length, total: mutants.length };
}

/**
 * What a reader should know about how an answer came to its score, in a few words each.
 * @param show.replayed whether to say that an answer is a recording; false where a column does
 */
export function marksOf(task: TaskResult, show = { replayed: true }): string[] {
  if (task.state === 'error') return [`error ${task.error.code}`];
  const { evidence } = task;
  const marks: string[] = [];
  if (evidence.extraction.source === 'none') marks.push('no code');
  const { salvaged } = evidence.extraction;
  if (salvaged !== undefined) marks.push(`salvaged ${salvaged.kept}/${salvaged.total}`);
  if (evidence.looped) marks.push('looped');
  if (evidence.truncated) marks.push('truncated');
  if (evidence.loadError !== undefined) marks.push('did not load');
  if (evidence.typeErrors.length > 0) marks.push(plural(evidence.typeErrors.length, 'type error'));
  if (task.replayed && show.replayed) marks.push('replayed');
  return marks;
}

/** Means over the pairs of one complexity or category. */
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

/** The categories that occur, in the order of the report. */
export function categoriesOf(pairs: readonly TaskPair[]): Category[] {
  return [...new Set(pairs.map((pair) => pair.candidate.category))];
}

/** One row per category that occurs. */
export function byCategory(pairs: readonly TaskPair[]): GroupMeans[] {
  return categoriesOf(pairs).map((name) =>
    meansOf(
      name,
      pairs.filter((pair) => pair.candidate.category === name),
    ),
  );
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
