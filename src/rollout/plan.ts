import { z } from 'zod';
import { AppError, type Problem } from '../core/errors.ts';
import { TASK_CATEGORIES } from '../core/task.ts';
import { TIERS } from '../routing/decision.ts';

const percent = z.number().min(0).max(100).multipleOf(0.01);
const share = z.number().gt(0).lt(1);
/** A tier, or one model of it. */
const side = z.union(
  [z.enum(TIERS), z.string().regex(/^(embedded|[a-z][a-z0-9-]*):.+$/)],
  `expected ${TIERS.join(', ')}, or a model as in ollama:rnj-1`,
);

const stepSchema = z.strictObject({
  name: z.string().min(1).max(40).describe('For people.'),
  serve: percent.describe('Per cent of units that the candidate answers.'),
  compare: percent.describe(
    'Per cent of units for which the other side is asked as well, beside the answer.',
  ),
  pairs: z.int().min(0).describe('Graded comparisons that an advance asks for, at least.'),
  requests: z.int().min(0).describe('Answers of the candidate that an advance asks for, at least.'),
  days: z.int().min(0).max(365).describe('Days with answers of the candidate that it asks for.'),
});
export type Step = z.output<typeof stepSchema>;

const stepsSchema = z
  .array(stepSchema)
  .min(2)
  .max(20)
  .superRefine((steps, context) => {
    const say = (index: number, key: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [index, key], message });
    for (const [index, { serve, compare }] of steps.entries()) {
      const before = steps[index - 1];
      if (before === undefined) {
        if (serve !== 0) say(index, 'serve', 'expected 0: the first step is in the shadow');
        if (compare === 0) say(index, 'compare', 'expected more than 0: nothing would be compared');
      } else if (serve <= before.serve) {
        say(index, 'serve', `expected more than the ${before.serve} of the step before`);
      }
    }
  });

const latencySchema = z.union([
  z.strictObject({
    increase: z.number().gt(0).max(10).describe('Over the reference’s P95, as a share of it.'),
    baseline: z.int().min(10).max(10_000).default(50).describe('Answers that the P95 is read off.'),
    share: share.default(0.05).describe('Of answers that may take longer.'),
  }),
  z.strictObject({
    sloMs: z.int().min(1).describe('Milliseconds that an answer may take.'),
    share: share.default(0.05),
  }),
]);

export const planSchema = z.strictObject({
  $schema: z.string().optional(),
  name: z.string().min(1).max(80).default('gradual rollout'),
  reference: side.default('cloud').describe('Who answers today.'),
  candidate: side.default('direct').describe('Who is to answer.'),
  scope: z
    .strictObject({
      categories: z.array(z.enum(TASK_CATEGORIES)).min(1).optional(),
      agents: z.array(z.string().min(1)).min(1).optional(),
    })
    .prefault({})
    .describe('Which requests take part; all that are neither private nor for a named model.'),
  steps: stepsSchema,
  quality: z
    .strictObject({
      margin: share.default(0.05).describe('How much worse the candidate may be.'),
      hard: share.default(0.2).describe('Shown to be worse than this: back to nothing at once.'),
    })
    .refine(({ margin, hard }) => hard > margin, {
      path: ['hard'],
      error: 'expected more than margin',
    })
    .prefault({}),
  errors: z
    .strictObject({
      most: share.default(0.02).describe('Share of the candidate’s answers that may fail.'),
      hard: share.default(0.2),
    })
    .refine(({ most, hard }) => hard > most, { path: ['hard'], error: 'expected more than most' })
    .prefault({}),
  latency: latencySchema.default({ increase: 0.5, baseline: 50, share: 0.05 }),
  cost: z
    .strictObject({
      ratio: z.number().gt(0).describe('Of the candidate’s cost to the reference’s.'),
    })
    .nullable()
    .default({ ratio: 1 })
    .describe('null: the cost does not matter.'),
  alpha: z
    .number()
    .min(0.001)
    .max(0.2)
    .default(0.05)
    .describe('Probability of a wrong advance, and of a wrong way back in the whole rollout.'),
  minimum: z.int().min(1).default(20).describe('Observations before anything is rolled back.'),
  stepDown: percent.default(20).describe('Points that an automatic rollback takes away.'),
  shadow: z
    .strictObject({
      concurrency: z
        .int()
        .min(1)
        .max(64)
        .default(2)
        .describe('Comparisons at once; more are dropped.'),
      timeoutMs: z.int().min(1000).default(120_000),
    })
    .prefault({})
    .describe('Limits of what is asked beside an answer.'),
  advance: z
    .enum(['manual', 'auto'])
    .default('manual')
    .describe('Who advances once the evidence is there.'),
});
export type Plan = z.output<typeof planSchema>;
export type PlanFile = z.input<typeof planSchema>;

/** The plan's ladder: in the shadow, half and half, the main road, alone. */
export const DEFAULT_PLAN: PlanFile = {
  name: 'gradual rollout',
  reference: 'cloud',
  candidate: 'direct',
  steps: [
    { name: 'shadow', serve: 0, compare: 20, pairs: 100, requests: 100, days: 7 },
    { name: 'A/B', serve: 50, compare: 20, pairs: 100, requests: 300, days: 7 },
    { name: 'primary', serve: 80, compare: 20, pairs: 100, requests: 500, days: 7 },
    { name: 'independent', serve: 99, compare: 1, pairs: 30, requests: 500, days: 7 },
  ],
  quality: { margin: 0.05, hard: 0.2 },
  errors: { most: 0.02, hard: 0.2 },
  latency: { increase: 0.5, baseline: 50, share: 0.05 },
  cost: { ratio: 1 },
  alpha: 0.05,
  minimum: 20,
  stepDown: 20,
  shadow: { concurrency: 2, timeoutMs: 120_000 },
  advance: 'manual',
};

/**
 * Reads a plan file.
 * @param text JSON
 * @throws AppError `rollout.plan-invalid` with every problem and its dotted path
 */
export function parsePlan(text: string, file: string): Plan {
  const invalid = (problems: readonly Problem[]): AppError =>
    new AppError('rollout.plan-invalid', `The plan has errors: ${file}`, {
      problems,
      hint: 'aqe-llm rollout plan prints one that is right; docs/rollout.md says what each key means.',
    });
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (error) {
    throw invalid([{ path: file, message: error instanceof Error ? error.message : 'no JSON' }]);
  }
  const parsed = planSchema.safeParse(json);
  const problems = (parsed.error?.issues ?? []).map(({ path, message }) => ({
    path: path.length === 0 ? file : path.map(String).join('.'),
    message,
  }));
  if (!parsed.success) throw invalid(problems);
  const { candidate, reference } = parsed.data;
  if (candidate === reference) {
    throw invalid([
      { path: 'candidate', message: `expected another than the reference, ${reference}` },
    ]);
  }
  return parsed.data;
}

/** Of a step; the first, where there is no such step. */
export function stepOf(plan: Plan, index: number): Step {
  const step = plan.steps[index] ?? plan.steps[0];
  if (step === undefined) throw new Error('A plan has no steps.');
  return step;
}
