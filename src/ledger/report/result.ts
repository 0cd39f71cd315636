import { z } from 'zod';
import { PERIOD_UNITS } from './periods.ts';

/** What a report may be broken down by. */
export const DIMENSIONS = [
  ...PERIOD_UNITS,
  'provider',
  'model',
  'tier',
  'agent',
  'category',
  'session',
] as const;
export type Dimension = (typeof DIMENSIONS)[number];

const count = z.int().min(0);
const usd = z.number();
const time = z.iso.datetime({ offset: true });

const figures = {
  attempts: count.describe('Requests that went out, however they ended.'),
  ok: count,
  failed: count,
  cancelled: count,
  unpriced: count.describe('Attempts whose cost nobody knows; `usd` is without them.'),
  inputTokens: count.describe('Of prompts, neither read from a cache nor written to one.'),
  cacheReadTokens: count,
  cacheWriteTokens: count.describe('Written to a cache for five minutes.'),
  cacheWriteHourTokens: count.describe('Written to a cache for an hour.'),
  outputTokens: count.describe('Thought ones included.'),
  reasoningTokens: count.describe('The part of the output that was thought and not said.'),
  usd: usd.describe('Billed by providers, to a billionth.'),
  hardwareUsd: usd.nullable().describe('Of one’s own machines; null without figures.'),
  busySeconds: z.number().min(0).describe('That targets were at work.'),
};
const figuresSchema = z.strictObject(figures);
export type Figures = z.output<typeof figuresSchema>;

const intervalSchema = z.strictObject({
  lower: z.number(),
  estimate: z.number(),
  upper: z.number(),
});
/** Each end holds with 95 %. */
export type Interval = z.output<typeof intervalSchema>;

const namedSchema = z.strictObject({ name: z.string(), ...figures });
export type Named = z.output<typeof namedSchema>;

const savingsSchema = z.discriminatedUnion('state', [
  z.strictObject({ state: z.literal('unknown'), why: z.string() }),
  z.strictObject({
    state: z.literal('estimated'),
    reference: z.string().describe('What would have been asked.'),
    basis: z
      .enum(['shadow', 'baseline', 'assumed'])
      .describe('Where the ratio comes from; `assumed` is measured nowhere.'),
    pairs: count.describe('Prompts that both have answered, behind the ratio.'),
    ratio: intervalSchema.describe(
      'What Claude bills for an answer, over local tokens at Claude’s price.',
    ),
    answers: count.describe('Local answers that it would have given.'),
    allClaudeUsd: intervalSchema,
    actualUsd: usd.describe('Billed and of one’s own machines, the cost of the move included.'),
    savedUsd: intervalSchema,
    savedShare: intervalSchema.nullable().describe('Of what Claude alone would have cost.'),
  }),
]);
export type Savings = z.output<typeof savingsSchema>;

const machineSchema = z.strictObject({
  name: z.string(),
  usdPerHour: usd,
  hours: z.number().describe('Of the report.'),
  usd: usd.describe('For these hours, used or not.'),
  outputTokens: count,
  busyShare: z
    .number()
    .describe('Time at work over time there; above 1 where several ran at once.'),
  utilisation: z
    .number()
    .nullable()
    .describe('Output tokens over what it could have written; null without tokensPerSecond.'),
  usdPerMTok: usd.nullable().describe('A million output tokens as it was used; null without any.'),
  usdPerMTokAtFullLoad: usd.nullable(),
  claudeUsdPerMTok: usd
    .nullable()
    .describe('What Claude would bill for a million of its output tokens and their prompts.'),
  breakEvenMTokPerMonth: z
    .number()
    .nullable()
    .describe('Million output tokens a month from which on it is cheaper than Claude.'),
  breakEvenUtilisation: z
    .number()
    .nullable()
    .describe('The same as a share of what it can write; above 1 it never is.'),
});
export type Machine = z.output<typeof machineSchema>;

const roiSchema = z.strictObject({
  investmentUsd: usd,
  savedPerMonthUsd: intervalSchema,
  breakEvenMonths: z.strictObject({
    soonest: z.number().nullable(),
    estimate: z.number().nullable(),
    latest: z.number().nullable().describe('Null: never, at this pace.'),
  }),
  returnAfter12Months: intervalSchema.describe('Saved less invested, over invested.'),
  returnAfter36Months: intervalSchema,
});
export type Roi = z.output<typeof roiSchema>;

const budgetSchema = z.strictObject({
  limitUsd: usd,
  unit: z.enum(PERIOD_UNITS),
  period: z.string(),
  since: time,
  until: time,
  spentUsd: usd.describe('Billed so far; hardware of one’s own is none of it.'),
  share: z.number(),
  forecastUsd: intervalSchema
    .nullable()
    .describe('At the end of the period; null with less than three days to go by.'),
  alerts: z.array(z.enum(['50 %', '80 %', '100 %', 'forecast'])),
  over: z.boolean(),
  unpriced: count.describe('Attempts of the period whose cost nobody knows: it was more.'),
});
export type Budget = z.output<typeof budgetSchema>;

export const ADVICE_KINDS = [
  'over-routed',
  'refinement',
  'idle-model',
  'cacheable',
  'batchable',
] as const;
const adviceSchema = z.strictObject({
  kind: z.enum(ADVICE_KINDS),
  title: z.string(),
  detail: z.string(),
  action: z.string().describe('What to do.'),
  savedPerMonthUsd: intervalSchema
    .nullable()
    .describe('Null where nothing that is billed changes.'),
  effort: z.enum(['low', 'medium', 'high']),
  evidence: z.strictObject({
    rows: count.describe('Attempts it is drawn from.'),
    usd: usd.nullable().describe('What these cost; null where nobody knows.'),
    examples: z.array(z.string()).describe('Ids of requests, for `route explain`.'),
  }),
});
export type Advice = z.output<typeof adviceSchema>;

const noteSchema = z.strictObject({
  code: z.enum(['unpriced', 'interrupted', 'clock', 'from-memory', 'no-hardware']),
  count,
  message: z.string(),
});
export type Note = z.output<typeof noteSchema>;

export const costReportSchema = z.strictObject({
  schema: z.literal('aqe-llm/cost-report@1'),
  generatedAt: time,
  since: time,
  until: time.describe('Not part of it any more.'),
  timezone: z.string(),
  currency: z.literal('USD'),
  by: z.array(z.enum(DIMENSIONS)),
  total: figuresSchema,
  rows: z.array(
    z.strictObject({
      key: z.partialRecord(z.enum(DIMENSIONS), z.string()).describe('Empty text: nobody said.'),
      ...figures,
    }),
  ),
  trend: z.strictObject({
    unit: z.enum(PERIOD_UNITS),
    points: z.array(
      z.strictObject({
        period: z.string(),
        attempts: count,
        selfHosted: count.describe('Attempts on machines of one’s own.'),
        usd,
        hardwareUsd: usd.nullable(),
        savedUsd: intervalSchema.nullable(),
      }),
    ),
  }),
  split: z.strictObject({
    tier: z.array(namedSchema),
    model: z.array(namedSchema),
    purpose: z.array(namedSchema),
  }),
  savings: savingsSchema,
  machines: z.array(machineSchema),
  roi: roiSchema.nullable(),
  budget: budgetSchema.nullable(),
  advice: z.array(adviceSchema).describe('None in formats that have no place for it.'),
  notes: z.array(noteSchema),
});
/** What a report says; every format is drawn from it. */
export type CostReport = z.output<typeof costReportSchema>;
export type ReportRow = CostReport['rows'][number];
