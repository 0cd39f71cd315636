import { z } from 'zod';
import { COMPLEXITIES } from '../core/task.ts';

/** Where answers come from, as `<kind or server>:<model>`; what follows the first colon may hold colons of its own. */
const providerSpec = z
  .string()
  .regex(
    /^(embedded(:.+)?|[a-z][a-z0-9-]*:.+)$/,
    'expected embedded, embedded:<model or GGUF file>, <server>:<model>, replay:gold, replay:empty or replay:<provider id>',
  );

/** One target, or one for each complexity. */
const tierSchema = z.union([
  providerSpec,
  z
    .partialRecord(z.enum(COMPLEXITIES), providerSpec)
    .refine((models) => Object.keys(models).length > 0, 'expected a model for some complexity'),
]);

const url = z.url({ protocol: /^https?$/, error: 'expected an http or https address' });
const environmentName = z
  .string()
  .regex(/^[A-Za-z_]\w*$/, 'expected the name of an environment variable');

const serverSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('ollama'),
    url: url.default('http://127.0.0.1:11434'),
    keepAlive: z
      .union([z.string(), z.int()])
      .optional()
      .describe("How long the model stays loaded after a request: '10m', seconds, or -1 for ever."),
    contextTokens: z
      .int()
      .min(512)
      .optional()
      .describe("Context asked for (num_ctx); the server's own when absent."),
    private: z
      .boolean()
      .optional()
      .describe('Whether it may see private prompts; by default one on this machine may.'),
  }),
  z.strictObject({
    kind: z.literal('openai-compatible'),
    url: url.describe('Base address without /v1, as in http://127.0.0.1:8000.'),
    apiKeyEnv: environmentName.optional().describe('Variable that holds the key, if one is asked.'),
    private: z
      .boolean()
      .optional()
      .describe('Whether it may see private prompts; by default one on this machine may.'),
  }),
  z.strictObject({
    kind: z.literal('anthropic'),
    url: url.default('https://api.anthropic.com'),
    apiKeyEnv: environmentName.default('ANTHROPIC_API_KEY'),
  }),
]);
export type ServerConfig = z.output<typeof serverSchema>;

/** Servers that need no configuration: where they listen unless told otherwise. */
export const USUAL_SERVERS: Readonly<Record<string, ServerConfig>> = {
  ollama: { kind: 'ollama', url: 'http://127.0.0.1:11434' },
  vllm: { kind: 'openai-compatible', url: 'http://127.0.0.1:8000' },
  'llama-server': { kind: 'openai-compatible', url: 'http://127.0.0.1:8080' },
  anthropic: {
    kind: 'anthropic',
    url: 'https://api.anthropic.com',
    apiKeyEnv: 'ANTHROPIC_API_KEY',
  },
};

const usd = z.number().min(0).max(1e9);
const machineNames = {
  name: z.string().min(1),
  servers: z
    .array(z.string().min(1))
    .min(1)
    .optional()
    .describe(
      'Names of the servers that it runs, `embedded` among them; all of one’s own when absent.',
    ),
  tokensPerSecond: z
    .number()
    .gt(0)
    .max(1e7)
    .optional()
    .describe('Output tokens per second at full load, as serve-check measures them.'),
};

/** What a machine of one's own costs. */
const hardwareSchema = z.union([
  z.strictObject({
    ...machineNames,
    capexUsd: usd.describe('What it cost to buy.'),
    residualUsd: usd.default(0).describe('What it is worth at the end.'),
    lifeYears: z.number().gt(0).max(30),
    kW: z
      .number()
      .min(0)
      .max(50, 'expected kilowatts: 350 watts are 0.35')
      .describe('Kilowatts that it draws on average.'),
    pue: z
      .number()
      .min(1)
      .max(5)
      .default(1)
      .describe('Power of the whole room over that of the machine.'),
    usdPerKWh: z.number().min(0).max(5),
    opsUsdPerMonth: usd.default(0).describe('Its share of what people and the room cost.'),
  }),
  z.strictObject({
    ...machineNames,
    usdPerHour: z.number().min(0).max(10_000).describe('Rented.'),
  }),
]);
export type Hardware = z.output<typeof hardwareSchema>;

const MAX_MS = 2 ** 31 - 1;
export const STRATEGIES = [
  'privacy-first',
  'cost-optimized',
  'quality-optimized',
  'adaptive',
] as const;
export type Strategy = (typeof STRATEGIES)[number];

const RESERVED = new Set(['embedded', 'replay', 'openai-compatible']);

/** `aqe-llm.config.json`. Defaults are part of it, so that an empty object is a whole configuration. */
export const configSchema = z.strictObject({
  $schema: z.string().optional().describe('Where editors find this schema.'),
  state: z
    .string()
    .min(1)
    .default('.aqe-llm')
    .describe('Folder of the state database and reports; relative to this file.'),
  embedded: z
    .strictObject({
      model: z
        .string()
        .min(1)
        .optional()
        .describe(
          'A model of the catalogue, or a GGUF file relative to this file. Chosen by the machine when absent.',
        ),
      threads: z
        .int()
        .min(1)
        .max(1024)
        .optional()
        .describe('Threads of the engine; cores − 1 when absent.'),
      contextTokens: z
        .int()
        .min(512)
        .optional()
        .describe('Most tokens of prompt and answer together; up to 8,192 when absent.'),
      gpu: z
        .enum(['auto', 'off'])
        .default('auto')
        .describe('Whether a GPU is used where one works.'),
    })
    .prefault({}),
  servers: z
    .record(
      z
        .string()
        .regex(/^[a-z][a-z0-9-]*$/, 'expected lower-case letters, digits and hyphens')
        .refine((name) => !RESERVED.has(name), 'this name is taken'),
      serverSchema,
    )
    .default({})
    .describe('Model servers by name; ollama, vllm, llama-server and anthropic are known without.'),
  tiers: z
    .strictObject({
      orchestrated: tierSchema
        .optional()
        .describe('With memory, sessions and refinement; as `direct` when absent.'),
      direct: tierSchema
        .optional()
        .describe(
          'The bare local server, as in ollama:qwen2.5-coder:7b, or a model for each complexity; the embedded model when absent.',
        ),
      cloud: tierSchema.optional().describe('As in anthropic:claude-sonnet-5-5; none when absent.'),
    })
    .prefault({})
    .describe('Where `route` gets its answers from, and what `serve-check` examines.'),
  routing: z
    .strictObject({
      strategy: z.enum(STRATEGIES).default('adaptive').describe('What is preferred.'),
      cloud: z
        .enum(['ordinary', 'emergency-only', 'off'])
        .default('ordinary')
        .describe('When the cloud tier may answer.'),
      quality: z
        .number()
        .min(0)
        .max(1)
        .default(0.9)
        .describe('The quality that `adaptive` asks of a model, as a share of the best.'),
      emergency: z
        .strictObject({
          localFailures: z.int().min(1).default(3),
          quality: z.number().min(0).max(1).default(0.9),
          latencyMs: z.int().min(1).max(MAX_MS).default(10_000),
        })
        .prefault({})
        .describe('What lets the cloud answer while it is `emergency-only`.'),
      failoverMs: z
        .int()
        .min(1)
        .max(MAX_MS)
        .default(30_000)
        .describe('A first token later than this is asked of the next target.'),
      hedgeMs: z
        .int()
        .min(1)
        .max(MAX_MS)
        .optional()
        .describe('A second target is asked beside the first after this; never when absent.'),
      maxTokens: z.int().min(1).max(131_072).default(2048).describe('Where a request says none.'),
      sessionHours: z.number().min(0.01).max(8760).default(24).describe('An idle session is kept.'),
      retentionDays: z.int().min(1).max(3650).default(90).describe('Requests are kept.'),
    })
    .prefault({})
    .describe('How `route` decides.'),
  gateway: z
    .strictObject({
      host: z.string().min(1).default('127.0.0.1'),
      port: z.int().min(0).max(65_535).default(4141),
      apiKeyEnv: environmentName
        .optional()
        .describe('Variable that holds the key; needed for any address but loopback.'),
      maxBodyBytes: z
        .int()
        .min(1024)
        .default(16 * 1024 * 1024),
      maxInFlight: z.int().min(1).default(256).describe('Requests at once; more get 429 or 529.'),
    })
    .prefault({})
    .describe('`route serve`.'),
  patterns: z
    .strictObject({
      embedder: providerSpec
        .default('embedded:all-minilm-l6-v2')
        .describe('Whose vectors patterns are found by, as in ollama:nomic-embed-text.'),
      cache: z
        .enum(['off', 'shadow', 'on'])
        .default('off')
        .describe('Whether `route` answers from memory; shadow only records what it would do.'),
      augment: z
        .boolean()
        .default(true)
        .describe('Whether, with the cache on, local tiers are shown the best patterns.'),
      delta: z
        .number()
        .min(0.001)
        .max(0.5)
        .default(0.02)
        .describe('Share of wrong answers that is tolerated among those from memory.'),
      ttlDays: z
        .int()
        .min(1)
        .max(3650)
        .default(90)
        .describe('How long an answer that `route` remembers may be used.'),
    })
    .prefault({})
    .describe('What is remembered of answers.'),
  costs: z
    .strictObject({
      prices: z
        .string()
        .min(1)
        .optional()
        .describe('A file of prices, relative to this file, that go before those of the package.'),
      retentionDays: z
        .int()
        .min(1)
        .max(3650)
        .default(400)
        .describe('Attempts and what they cost are kept.'),
      timezone: z
        .string()
        .min(1)
        .optional()
        .describe('Of the days in reports, as Europe/Berlin; the machine’s when absent.'),
      reference: providerSpec
        .optional()
        .describe(
          'What a fleet would ask that asks Claude alone; the cloud tier, or anthropic:claude-sonnet-5-5, when absent.',
        ),
      hardware: z.array(hardwareSchema).default([]).describe('Machines of one’s own.'),
      investmentUsd: usd.optional().describe('What the move to local models cost, once.'),
      budget: z
        .string()
        .regex(/^\$?\d+(\.\d+)?\/(day|week|month)$/, 'expected an amount as in 500/month')
        .optional()
        .describe('US dollars that may be billed, as in 500/month.'),
      account: z
        .strictObject({ id: z.string().min(1), name: z.string().min(1) })
        .optional()
        .describe('The account that is billed, for FOCUS.'),
    })
    .prefault({})
    .describe('What is known of money.'),
  deadlines: z
    .strictObject({
      connectMs: z.int().min(1).max(MAX_MS).default(5000),
      firstTokenMs: z
        .int()
        .min(1)
        .max(MAX_MS)
        .default(180_000)
        .describe('From the request to its first token.'),
      idleMs: z
        .int()
        .min(1)
        .max(MAX_MS)
        .default(60_000)
        .describe('Between two pieces of a stream.'),
      totalMs: z.int().min(1).max(MAX_MS).default(900_000).describe('For a whole answer.'),
    })
    .prefault({})
    .describe('Milliseconds that a model server has.'),
  breaker: z
    .strictObject({
      failures: z.int().min(1).default(3).describe('Failures in the window that open it.'),
      successes: z.int().min(1).default(2).describe('Successful probes that close it again.'),
      openMs: z.int().min(1).default(10_000).describe('How long it stays open before a probe.'),
      windowMs: z.int().min(1).default(60_000).describe('How long a failure counts.'),
      latencyMs: z
        .int()
        .min(1)
        .default(10_000)
        .describe('A first token later than this counts as a failure.'),
      quality: z
        .number()
        .min(0)
        .max(1)
        .default(0.9)
        .describe('A worse answer counts as a failure.'),
    })
    .prefault({})
    .describe('When a provider is left alone for a while.'),
  baseline: z
    .strictObject({
      suite: z
        .string()
        .min(1)
        .optional()
        .describe('Folder of the suite; the built-in qe-100 when absent.'),
      candidate: providerSpec.default('embedded').describe('What is judged.'),
      reference: providerSpec.default('replay:gold').describe('What it is compared with.'),
      seed: z
        .int()
        .min(0)
        .max(2 ** 31 - 1)
        .default(20_261_123),
      maxTokens: z.int().min(16).max(131_072).default(2048).describe('Most tokens of one answer.'),
      temperature: z.number().min(0).max(2).default(0.2),
      rubric: z.enum(['linear', 'plan']).default('linear').describe('How coverage becomes points.'),
      repeats: z.int().min(1).max(100).default(1).describe('How often each task is asked.'),
      thresholds: z
        .partialRecord(
          z.enum(['test-generation', 'coverage-analysis', 'flaky-detection', 'code-review']),
          z.number().min(0).max(2),
        )
        .default({})
        .describe('The least ratio of a category; one that falls short fails the gate.'),
      maxCostUsd: z
        .number()
        .min(0)
        .optional()
        .describe('US dollars that the live sides of a run may cost.'),
    })
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type ConfigFile = z.input<typeof configSchema>;

export const CONFIG_FILE = 'aqe-llm.config.json';
