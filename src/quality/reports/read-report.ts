import { z } from 'zod';
import { AppError, messageOf } from '../../core/errors.ts';
import { CATEGORIES } from '../kinds/tellings.ts';
import type { BaselineReport, Category, Evidences, TaskResult } from '../result.ts';

const count = z.int().min(0);
const maybe = z.number().nullable();
const category = z
  .string()
  .refine((name): name is Category => CATEGORIES.some((known) => known === name));
// What an answer's grade rests on is this program's own, and is only told.
const evidence = z.custom<Evidences[Category]>(
  (value) => typeof value === 'object' && value !== null,
);

const identity = {
  id: z.string(),
  category,
  complexity: z.enum(['simple', 'moderate', 'complex']),
  cluster: z.string(),
  repeat: count,
  errorRetries: count,
};
const taskSchema = z.discriminatedUnion('state', [
  z.object({
    ...identity,
    state: z.literal('graded'),
    score: z.number().min(0).max(10),
    parts: z.array(z.object({ name: z.string(), points: z.number(), max: z.number() })),
    evidence,
    latencyMs: maybe,
    ttftMs: maybe,
    outputTokens: maybe,
    replayed: z.boolean(),
    answer: z.string().optional(),
  }),
  z.object({
    ...identity,
    state: z.literal('error'),
    error: z.object({ code: z.string(), message: z.string() }),
  }),
]);
const sideSchema = z.object({
  id: z.string(),
  costUsd: maybe,
  tasks: z.array(taskSchema),
});
const reportSchema = z.object({
  schema: z.literal('aqe-llm/baseline@2'),
  run: z.object({
    id: z.string(),
    suite: z.string(),
    suiteHash: z.string(),
    seed: z.int(),
    repeats: z.int().min(1),
    maxTokens: z.int(),
    temperature: z.number(),
    rubric: z.enum(['linear', 'plan']),
    shard: z
      .object({ index: z.int().min(1), of: z.int().min(1), taskIds: z.array(z.string()) })
      .nullable(),
    thresholds: z.partialRecord(category, z.number()),
    startedAt: z.string(),
    sandbox: z.string(),
    versions: z.record(z.string(), z.string()),
  }),
  reference: sideSchema,
  candidates: z.array(sideSchema).min(1),
});

/** What `--json` printed, read again: everything that the rest of a report follows from. */
export interface ReadReport {
  run: BaselineReport['run'];
  reference: ReadSide;
  candidates: ReadSide[];
}

export interface ReadSide {
  id: string;
  costUsd: number | null;
  tasks: TaskResult[];
}

/**
 * Reads a report's JSON.
 * @param name of the file, for messages
 * @throws AppError `baseline.bad-report` naming everything that is wrong
 */
export function readReport(name: string, text: string): ReadReport {
  const hint =
    'It takes what `aqe-llm baseline --json` prints; docs/baseline-json.md has the contract.';
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw new AppError('baseline.bad-report', `${name} is no JSON: ${messageOf(error)}`, { hint });
  }
  const parsed = reportSchema.safeParse(json);
  if (!parsed.success) {
    throw new AppError('baseline.bad-report', `${name} is no report of a baseline.`, {
      hint,
      problems: parsed.error.issues
        .slice(0, 20)
        .map((issue) => ({ path: issue.path.join('.'), message: issue.message })),
    });
  }
  const { run, reference, candidates } = parsed.data;
  return { run, reference: sideOf(reference), candidates: candidates.map(sideOf) };
}

function sideOf({ id, costUsd, tasks }: z.infer<typeof sideSchema>): ReadSide {
  // A task's category and its evidence were written together.
  const results: TaskResult[] = JSON.parse(JSON.stringify(tasks));
  return { id, costUsd, tasks: results };
}
