import { z } from 'zod';

const providerSpec = z
  .string()
  .regex(
    /^(embedded(:.+)?|replay:.+)$/,
    'expected embedded, embedded:<model or GGUF file>, replay:gold, replay:empty or replay:<provider id>',
  );

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
    })
    .prefault({}),
});

export type Config = z.output<typeof configSchema>;
export type ConfigFile = z.input<typeof configSchema>;

export const CONFIG_FILE = 'aqe-llm.config.json';
