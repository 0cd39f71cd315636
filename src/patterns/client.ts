import { z } from 'zod';
import { AppError, messageOf } from '../core/errors.ts';
import { TASK_CATEGORIES, type TaskCategory } from '../core/task.ts';
import { VERIFIERS, type Scope } from './pattern.ts';

export interface PatternClientOptions {
  /** Of the gateway, as `http://127.0.0.1:4141`. */
  url: string;
  apiKey?: string;
  /** Milliseconds that an answer may take; consolidation takes its own time. */
  timeoutMs?: number;
}

/** What is asked for: a prompt, or a vector of the store's own embedder. */
export interface PatternQuery {
  query?: string;
  embedding?: readonly number[];
  embedder?: string;
  k?: number;
  category?: TaskCategory;
  scope?: Scope;
  minConfidence?: number;
  /** Also what nobody has verified. */
  unverified?: boolean;
}

export interface PatternToStore {
  /** The prompt. */
  query: string;
  /** Its answer. */
  content: string;
  metadata?: {
    category?: TaskCategory;
    scope?: Scope;
    confidence?: number;
    agent?: string;
    target?: string;
    /** ISO 8601. */
    expiresAt?: string;
  };
  /** Has the answer judged by running it. */
  learnFromThis?: boolean;
}

const foundSchema = z.object({
  id: z.string(),
  content: z.string(),
  /** The lower of similarity and the pattern's own confidence. */
  confidence: z.number(),
  similarity: z.number(),
  metadata: z.looseObject({
    query: z.string(),
    category: z.enum(TASK_CATEGORIES),
    scope: z.record(z.string(), z.string()),
    verified: z.enum(VERIFIERS),
    confidence: z.number(),
    uses: z.int(),
  }),
});
export type FoundPattern = z.output<typeof foundSchema>;

const rate = z.number().nullable();
const metricsSchema = z.object({
  patterns: z.int(),
  verified: z.int(),
  quarantined: z.int(),
  embedder: z.string().optional(),
  dimension: z.int().optional(),
  /** Hits and wrong hits; rates are `null` without any. */
  recalls: z.object({
    lookups: z.int(),
    hits: z.int(),
    labelled: z.int(),
    wrong: z.int(),
    hitRate: rate,
    wrongHitRate: rate,
  }),
});
export type PatternMetrics = z.output<typeof metricsSchema>;

const storedSchema = z.object({ id: z.string(), stored: z.boolean() });
const learnedSchema = z.looseObject({ patterns: z.int(), left: z.int() });
const errorSchema = z.object({
  error: z.object({ message: z.string(), code: z.string().nullish() }),
});

/** The pattern store of a gateway, shared by a fleet. Every method throws AppError `patterns.remote`. */
export interface PatternClient {
  search(query: PatternQuery): Promise<FoundPattern[]>;
  /** The same prompt and answer are stored once. */
  store(pattern: PatternToStore): Promise<z.output<typeof storedSchema>>;
  metrics(): Promise<PatternMetrics>;
  /** Judges, merges and recalibrates; returns what changed. */
  forceLearn(): Promise<z.output<typeof learnedSchema>>;
}

const TIMEOUT_MS = 30_000;

export function createPatternClient(options: PatternClientOptions): PatternClient {
  const { url, apiKey, timeoutMs = TIMEOUT_MS } = options;

  async function ask<Schema extends z.ZodType>(
    schema: Schema,
    path: string,
    request: RequestInit,
  ): Promise<z.output<Schema>> {
    const headers = {
      'content-type': 'application/json',
      ...(apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` }),
    };
    try {
      const response = await fetch(new URL(path, url), { headers, ...request });
      const body: unknown = await response.json();
      if (response.ok) return schema.parse(body);
      const said = errorSchema.safeParse(body);
      const words = said.success ? said.data.error.message : `HTTP ${response.status}`;
      throw remoteError(`${path}: ${words}`);
    } catch (error) {
      if (error instanceof AppError) throw error;
      throw remoteError(`${new URL(path, url).href}: ${messageOf(error)}`, error);
    }
  }

  const post = (body: object): RequestInit => ({
    method: 'POST',
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
  });
  return {
    search: (query) => ask(z.array(foundSchema), '/v1/search', post(query)),
    store: (pattern) => ask(storedSchema, '/v1/store', post(pattern)),
    metrics: () => ask(metricsSchema, '/v1/metrics', { signal: AbortSignal.timeout(timeoutMs) }),
    forceLearn: () => ask(learnedSchema, '/v1/learn/force', { method: 'POST', body: '{}' }),
  };
}

function remoteError(message: string, cause?: unknown): AppError {
  return new AppError('patterns.remote', message, {
    hint: 'Does `aqe-llm route serve` run there, and is the key right?',
    cause,
  });
}
