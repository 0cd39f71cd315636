import { z } from 'zod';

/** How the engine process loads its model; handed over as its one argument, in JSON. */
export const engineOptionsSchema = z.strictObject({
  modelPath: z.string().min(1),
  threads: z.int().min(1),
  /** Most tokens of prompt and answer together; null leaves it to the engine. */
  contextTokens: z.int().min(1).nullable(),
  gpu: z.enum(['auto', 'off']),
});
export type EngineOptions = z.infer<typeof engineOptionsSchema>;

const generateJobSchema = z.strictObject({
  kind: z.literal('generate'),
  messages: z.array(
    z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }),
  ),
  maxTokens: z.number(),
  temperature: z.number(),
  seed: z.number(),
  /** The conversation that it goes on with; null begins from nothing. */
  session: z.string().nullable(),
});
export type GenerateJob = z.infer<typeof generateJobSchema>;

const jobSchema = z.discriminatedUnion('kind', [
  generateJobSchema,
  z.strictObject({ kind: z.literal('embed'), texts: z.array(z.string()) }),
  z.strictObject({ kind: z.literal('count'), text: z.string() }),
  z.strictObject({ kind: z.literal('describe') }),
]);
export type EngineJob = z.infer<typeof jobSchema>;

/** What the parent tells the engine process. */
export const engineInputSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('job'), id: z.int(), job: jobSchema }),
  z.strictObject({ type: z.literal('cancel'), id: z.int() }),
  z.strictObject({ type: z.literal('stop') }),
]);
export type EngineInput = z.infer<typeof engineInputSchema>;

const engineFactsSchema = z.strictObject({
  /** Versions and settings worth a line in a report. */
  versions: z.record(z.string(), z.string()),
  contextTokens: z.int(),
});
export type EngineFacts = z.infer<typeof engineFactsSchema>;

const resultSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('generate'),
    finishReason: z.enum(['stop', 'length', 'cancelled']),
    outputTokens: z.int(),
  }),
  z.strictObject({
    kind: z.literal('embed'),
    vectors: z.array(z.array(z.number())),
    tokens: z.int(),
  }),
  z.strictObject({ kind: z.literal('count'), tokens: z.int() }),
  z.strictObject({ kind: z.literal('describe'), facts: engineFactsSchema }),
]);
export type EngineResult = z.infer<typeof resultSchema>;
/** The result of one kind of job. */
export type ResultOf<Kind extends EngineResult['kind']> = Extract<EngineResult, { kind: Kind }>;

/** News of a generation that is under way. */
const progressSchema = z.discriminatedUnion('type', [
  /** The prompt is counted and fits; `cachedTokens` of it were evaluated for an earlier one. */
  z.strictObject({
    type: z.literal('prompt'),
    id: z.int(),
    inputTokens: z.int(),
    cachedTokens: z.int(),
  }),
  /** Tokens came; `text` is empty while a character or a hidden thought is incomplete. */
  z.strictObject({
    type: z.literal('token'),
    id: z.int(),
    text: z.string(),
    outputTokens: z.int(),
  }),
]);
export type EngineProgress = z.infer<typeof progressSchema>;

/** What the engine process tells its parent: progress, then exactly one `done` or `failed` per job. */
export const engineOutputSchema = z.discriminatedUnion('type', [
  progressSchema,
  z.strictObject({ type: z.literal('done'), id: z.int(), result: resultSchema }),
  z.strictObject({
    type: z.literal('failed'),
    id: z.int(),
    failure: z.enum(['model-missing', 'model-unreadable', 'context-too-long', 'unsupported']),
    message: z.string(),
    hint: z.string().nullable(),
  }),
]);
export type EngineOutput = z.infer<typeof engineOutputSchema>;
