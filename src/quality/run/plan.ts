import { z } from 'zod';
import { AppError } from '../../core/errors.ts';
import { CATEGORIES } from '../kinds/tellings.ts';
import type { Category } from '../result.ts';
import type { Task } from '../suites/suite.ts';

/** Names the reference among the sides of a run; a candidate is named by its spec. */
export const REFERENCE = 'reference';

/** `reference`, or the spec of a candidate (`embedded:…`, `replay:gold`). */
export type Side = string;

const category: z.ZodType<Category> = z
  .string()
  .refine((name): name is Category => CATEGORIES.some((known) => known === name));

/** A part of a plan that a process of its own runs. */
const shardSchema = z.strictObject({
  /** From 1. */
  index: z.int().min(1),
  of: z.int().min(1),
  /** The tasks of all shards, so that a merge knows what is missing. */
  taskIds: z.array(z.string()),
});
export type Shard = z.infer<typeof shardSchema>;

/** Everything that decides what a run does, fixed when it starts. */
export const runPlanSchema = z.strictObject({
  version: z.literal(2),
  suiteFolder: z.string(),
  suiteName: z.string(),
  suiteHash: z.string(),
  /** The tasks of this run, those of other shards left out. */
  taskIds: z.array(z.string()),
  candidates: z.array(z.string()),
  reference: z.string(),
  seed: z.int(),
  /** How often each task is asked. */
  repeats: z.int().min(1),
  maxTokens: z.int(),
  temperature: z.number(),
  rubric: z.enum(['linear', 'plan']),
  shard: shardSchema.nullable(),
  /** The least ratio of each category that has one. */
  thresholds: z.partialRecord(category, z.number()),
  /** US dollars that live sides may cost. */
  maxCostUsd: z.number().nullable(),
});
export type RunPlan = z.infer<typeof runPlanSchema>;

/** A side, and what it is called beside the others. */
export interface PlannedSide {
  side: Side;
  spec: string;
  /** `reference`, `candidate`, or `candidate 2` where there are several. */
  title: string;
}

/** All sides, in the order in which they are run. */
export function sidesOf({
  candidates,
  reference,
}: Pick<RunPlan, 'candidates' | 'reference'>): PlannedSide[] {
  const title = (index: number): string =>
    candidates.length > 1 ? `candidate ${index + 1}` : 'candidate';
  return [
    { side: REFERENCE, spec: reference, title: REFERENCE },
    ...candidates.map((spec, index) => ({ side: spec, spec, title: title(index) })),
  ];
}

/** Recordings answer at once and from memory; everything else takes a model. */
export function isLive(spec: string): boolean {
  return !spec.startsWith('replay:');
}

/**
 * The tasks that filters let through. Each filter is `category=…`, `complexity=…` or `id=…` (with `*`
 * for any characters), or one of these words alone. Filters of one kind add up, kinds narrow.
 * @throws AppError `baseline.bad-filter`, `baseline.nothing-matches`
 */
export function filterTasks(tasks: readonly Task[], filters: readonly string[]): Task[] {
  const wanted = filters.flatMap((text) => text.split(',')).map((text) => parseFilter(text.trim()));
  const matching = tasks.filter((task) =>
    (['category', 'complexity', 'id'] as const).every((key) => {
      const ofKey = wanted.filter((filter) => filter.key === key);
      return ofKey.length === 0 || ofKey.some(({ pattern }) => pattern.test(task[key]));
    }),
  );
  if (matching.length === 0 && filters.length > 0) {
    const categories = [...new Set(tasks.map((task) => task.category))];
    throw new AppError('baseline.nothing-matches', `No task matches ${filters.join(' ')}.`, {
      hint: `The suite has ${tasks.length} tasks of ${categories.join(', ')}; ids are like ${tasks[0]?.id ?? '–'}.`,
    });
  }
  return matching;
}

const COMPLEXITIES = new Set(['simple', 'moderate', 'complex']);

function parseFilter(text: string): { key: 'category' | 'complexity' | 'id'; pattern: RegExp } {
  const [, name, rest] = /^(\w+)=(.+)$/.exec(text) ?? [];
  const value = rest ?? text;
  const key = name ?? keyOf(value);
  if (value === '' || (key !== 'category' && key !== 'complexity' && key !== 'id')) {
    throw new AppError('baseline.bad-filter', `“${text}” is no filter.`, {
      hint: 'A filter is category=<name>, complexity=simple|moderate|complex or id=<id, * for anything>.',
    });
  }
  const words = value.split('*').map((part) => part.replaceAll(/[.\\+?^${}()|[\]]/g, '\\$&'));
  return { key, pattern: new RegExp(`^${words.join('.*')}$`) };
}

function keyOf(value: string): string {
  if (CATEGORIES.some((known) => known === value)) return 'category';
  return COMPLEXITIES.has(value) ? 'complexity' : 'id';
}

/**
 * The tasks of one shard: every n-th, so that each shard has its share of every category.
 * @throws AppError `baseline.empty-shard` when there are fewer tasks than shards
 */
export function shardOf(
  taskIds: readonly string[],
  { index, of }: { index: number; of: number },
): { taskIds: string[]; shard: Shard } {
  const mine = taskIds.filter((_, position) => position % of === index - 1);
  if (mine.length === 0) {
    throw new AppError('baseline.empty-shard', `Shard ${index}/${of} has no task.`, {
      hint: `There are ${taskIds.length} tasks: make as many shards at most.`,
    });
  }
  return { taskIds: mine, shard: { index, of, taskIds: [...taskIds] } };
}
