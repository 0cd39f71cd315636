import { z } from 'zod';
import { TASK_CATEGORIES } from '../core/task.ts';
import type { ChainedEntry } from './log.ts';
import type { Grading, Observation, SideOutcome } from './observation.ts';
import { planSchema } from './plan.ts';

const json = z.string().transform((written, context): unknown => {
  try {
    return JSON.parse(written);
  } catch {
    context.addIssue({ code: 'custom', message: 'expected JSON' });
    return z.NEVER;
  }
});

const eventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('created'), plan: planSchema, salt: z.string() }),
  z.strictObject({ type: z.literal('started') }),
  z.strictObject({ type: z.literal('advanced') }),
  z.strictObject({ type: z.literal('paused') }),
  z.strictObject({ type: z.literal('resumed') }),
  z.strictObject({ type: z.literal('stepped-down'), serve: z.number(), cautious: z.boolean() }),
  z.strictObject({ type: z.literal('rolled-back'), complete: z.boolean() }),
  z.strictObject({ type: z.literal('aborted') }),
  z.strictObject({ type: z.literal('clock-jumped'), driftMs: z.number() }),
]);

const entrySchema = z.strictObject({
  seq: z.int(),
  rollout: z.string(),
  at: z.int(),
  actor: z.string(),
  event: eventSchema,
  reason: z.string(),
  evidence: z.unknown(),
});

export const entryRow = z
  .object({
    seq: z.int(),
    text: z.string(),
    previous: z.string(),
    hash: z.string(),
  })
  .transform((row, context): ChainedEntry => {
    const { success, data } = json.pipe(entrySchema).safeParse(row.text);
    if (success) return { ...row, entry: data };
    context.addIssue({ code: 'custom', message: 'expected an entry' });
    return z.NEVER;
  });

const side = (outcome: string | null, ms: number | null, usd: number | null) =>
  outcome === null
    ? undefined
    : ({ outcome, ms: ms ?? 0, ...(usd === null ? {} : { usd }) } satisfies SideOutcome);

export const observationRow = z
  .object({
    id: z.int(),
    rollout: z.string(),
    stage: z.int(),
    at: z.int(),
    request_id: z.string(),
    unit: z.int(),
    arm: z.enum(['candidate', 'reference']),
    category: z.enum(TASK_CATEGORIES),
    compared: z.enum(['no', 'busy', 'done']),
    candidate_outcome: z.string().nullable(),
    candidate_ms: z.number().nullable(),
    candidate_usd: z.number().nullable(),
    reference_outcome: z.string().nullable(),
    reference_ms: z.number().nullable(),
    reference_usd: z.number().nullable(),
    grading: z.enum(['none', 'scored', 'unknown', 'errored']),
    candidate_score: z.number().nullable(),
    reference_score: z.number().nullable(),
  })
  .transform((row): { id: number; observation: Observation } => {
    const candidate = side(row.candidate_outcome, row.candidate_ms, row.candidate_usd);
    const reference = side(row.reference_outcome, row.reference_ms, row.reference_usd);
    const grading: Grading =
      row.grading === 'scored'
        ? {
            state: 'scored',
            candidate: row.candidate_score ?? 0,
            reference: row.reference_score ?? 0,
          }
        : { state: row.grading };
    return {
      id: row.id,
      observation: {
        rollout: row.rollout,
        stage: row.stage,
        at: row.at,
        requestId: row.request_id,
        unit: row.unit,
        arm: row.arm,
        category: row.category,
        compared: row.compared,
        ...(candidate === undefined ? {} : { candidate }),
        ...(reference === undefined ? {} : { reference }),
        grading,
      },
    };
  });

export const checkRow = z.object({
  stage: z.int(),
  pairs: z.int(),
  at: z.int(),
  ratio: z.number(),
  lower: z.number(),
  upper: z.number().nullable(),
});

/** The bounds of quality as they were with so many graded comparisons of a stage. */
export type QualityCheck = z.output<typeof checkRow>;
