import { z } from 'zod';

const count = z.int().min(0);
const score = z.number().min(0).max(10);
const milliseconds = z.number().min(0).nullable();

const summarySchema = z.strictObject({
  p50: milliseconds,
  p95: milliseconds,
  p99: milliseconds,
  measured: count,
  cached: count,
});

const coverageSchema = z.strictObject({
  covered: count,
  checked: count,
  total: count,
  reference: count,
});
const boundaryClass = z.enum([
  'zero',
  'minus-one',
  'nan',
  'null',
  'empty-string',
  'empty-array',
  'max',
]);

const testGenerationEvidence = z.strictObject({
  rubric: z.enum(['linear', 'plan']),
  extraction: z.strictObject({
    source: z.enum(['fence', 'bare', 'none']),
    blocks: count,
    salvaged: z.strictObject({ kept: count, total: count }).optional(),
    mended: z.literal('imports').optional(),
  }),
  truncated: z.boolean(),
  looped: z.boolean(),
  parses: z.boolean(),
  typeErrors: z.array(z.string()),
  loadError: z.string().optional(),
  tests: z.array(
    z.strictObject({
      name: z.string(),
      state: z.enum(['passed', 'failed', 'flaky', 'timeout', 'skipped']),
      message: z.string().optional(),
    }),
  ),
  statements: coverageSchema,
  branches: coverageSchema,
  uncoveredLines: z.array(z.int().min(1)),
  mutants: z.array(
    z.strictObject({
      id: z.string(),
      mutator: z.string(),
      line: z.int().min(1),
      original: z.string(),
      replacement: z.string(),
      boundary: z.boolean(),
      state: z.enum(['killed', 'survived', 'no-coverage', 'timeout']),
    }),
  ),
  boundaryClasses: z.strictObject({
    seen: z.array(boundaryClass),
    expected: z.array(boundaryClass),
  }),
});

const cause = z
  .enum([
    'async-wait',
    'concurrency',
    'order-dependency',
    'time',
    'randomness',
    'network-os',
    'unordered-collection',
  ])
  .nullable();
const kills = z.strictObject({ killed: count, total: count });

const flakyDetectionEvidence = z.strictObject({
  truncated: z.boolean(),
  looped: z.boolean(),
  tests: z.array(
    z.strictObject({
      title: z.string(),
      flaky: z.boolean(),
      cause,
      failures: count,
      saidFlaky: z.boolean().nullable(),
      saidCause: cause,
    }),
  ),
  fix: z.discriminatedUnion('state', [
    z.strictObject({ state: z.literal('none') }),
    z.strictObject({ state: z.literal('needless') }),
    z.strictObject({ state: z.literal('broken'), message: z.string() }),
    z.strictObject({
      state: z.literal('ran'),
      reruns: count,
      mended: z.array(z.strictObject({ title: z.string(), survived: z.boolean(), guards: kills })),
      failures: z.array(z.strictObject({ title: z.string(), times: count, message: z.string() })),
      others: kills,
    }),
  ]),
});

const identity = {
  id: z.string(),
  complexity: z.enum(['simple', 'moderate', 'complex']),
  cluster: z.string(),
  repeat: count,
  errorRetries: count,
};

/** A graded task of one category. */
function gradedSchema<Category extends string, Evidence>(
  category: Category,
  parts: readonly { name: string; max: number }[],
  evidence: z.ZodType<Evidence>,
) {
  return z
    .strictObject({
      ...identity,
      category: z.literal(category),
      state: z.literal('graded'),
      score,
      parts: z.array(z.strictObject({ name: z.string(), points: z.number().min(0), max: count })),
      evidence,
      latencyMs: milliseconds,
      ttftMs: milliseconds,
      outputTokens: count.nullable(),
      replayed: z.boolean(),
      answer: z.string().optional(),
    })
    .refine(
      (task) =>
        task.parts.length === parts.length &&
        task.parts.every(
          ({ name, points, max }, index) =>
            name === parts[index]?.name && max === parts[index].max && points <= max,
        ),
      'parts of another category',
    );
}

const categorySchema = z.enum(['test-generation', 'flaky-detection']);
const erroredSchema = z.strictObject({
  ...identity,
  category: categorySchema,
  state: z.literal('error'),
  error: z.strictObject({ code: z.string(), message: z.string() }),
});
const taskSchema = z.union([
  gradedSchema(
    'test-generation',
    [
      { name: 'coverage', max: 40 },
      { name: 'edge cases', max: 30 },
      { name: 'correctness', max: 30 },
    ],
    testGenerationEvidence,
  ),
  gradedSchema(
    'flaky-detection',
    [
      { name: 'detection', max: 40 },
      { name: 'cause', max: 20 },
      { name: 'fix', max: 40 },
    ],
    flakyDetectionEvidence,
  ),
  erroredSchema,
]);

const side = {
  id: z.string(),
  meanScore: score.nullable(),
  latencyMs: summarySchema,
  ttftMs: summarySchema,
  tokensPerSecond: z.number().nullable(),
  scorePer1kOutputTokens: z.number().nullable(),
  costUsd: z.number().min(0).nullable(),
  errorRetries: count,
  tasks: z.array(taskSchema),
};
const interval = {
  ratio: z.number().nullable(),
  lower: z.number().nullable(),
  upper: z.number().nullable(),
};
const share = z.number().min(0).max(1);

const verdictSchema = z.strictObject({
  state: z.enum(['pass', 'marginal', 'fail', 'inconclusive', 'partial']),
  ...interval,
  strict: z.boolean(),
  reasons: z.array(z.string()),
  power: z
    .strictObject({
      clusters: count,
      margin: z.number().min(0),
      passChance: z.array(z.strictObject({ trueRatio: z.number(), chance: share })),
      clustersForPass: count.nullable(),
      clustersForStrict: count.nullable(),
    })
    .nullable(),
});

/** docs/baseline-json.md, written down a second time: the program's own types take no part in it. */
export const reportSchema = z.strictObject({
  schema: z.literal('aqe-llm/baseline@2'),
  run: z.strictObject({
    id: z.string(),
    suite: z.string(),
    suiteHash: z.string().regex(/^[\da-f]{64}$/),
    seed: z.int(),
    repeats: z.int().min(1),
    maxTokens: z.int(),
    temperature: z.number(),
    rubric: z.enum(['linear', 'plan']),
    shard: z
      .strictObject({ index: z.int().min(1), of: z.int().min(1), taskIds: z.array(z.string()) })
      .nullable(),
    thresholds: z.partialRecord(categorySchema, z.number()),
    startedAt: z.iso.datetime(),
    sandbox: z.enum(['bubblewrap', 'namespaces', 'docker', 'sandbox-exec', 'unsafe']),
    versions: z.record(z.string(), z.string()),
  }),
  reference: z.strictObject(side),
  candidates: z
    .array(
      z.strictObject({
        ...side,
        verdict: verdictSchema,
        categories: z.array(
          z.strictObject({
            category: categorySchema,
            threshold: z.number().nullable(),
            tasks: count,
            compared: count,
            candidateMean: score.nullable(),
            referenceMean: score.nullable(),
            ...interval,
            clusters: count,
            method: z.enum(['bootstrap', 'delta-t']).nullable(),
          }),
        ),
      }),
    )
    .min(1),
});

type ParsedReport = z.infer<typeof reportSchema>;
type Candidate = ParsedReport['candidates'][number];

/** A report; `candidate` is the first one, `verdict` its verdict. */
export interface Report extends ParsedReport {
  candidate: Candidate;
  verdict: Candidate['verdict'];
}

/** The report in what `--json` printed: one object, one newline, nothing else. */
export function readReport(stdout: string): Report {
  if (!stdout.endsWith('}\n')) throw new Error(`Not one JSON object: ${stdout.slice(-80)}`);
  const report = reportSchema.parse(JSON.parse(stdout));
  const [candidate] = report.candidates;
  if (candidate === undefined) throw new Error('a report without a candidate');
  return { ...report, candidate, verdict: candidate.verdict };
}

/** Scores of a side's graded tasks, by id. */
export function scoresOf({ tasks }: Pick<Candidate, 'tasks'>): Record<string, number> {
  return Object.fromEntries(
    tasks.map((task) => [task.id, task.state === 'graded' ? task.score : Number.NaN]),
  );
}
