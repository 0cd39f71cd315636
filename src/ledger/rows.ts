import { z } from 'zod';
import { COMPLEXITIES, PRIORITIES, TASK_CATEGORIES } from '../core/task.ts';
import type { Usage } from '../core/request.ts';
import {
  PURPOSES,
  REQUEST_STATES,
  type Ending,
  type RecordedAttempt,
  type RecordedRequest,
  type RouteEventRecord,
} from './ledger.ts';

const optional = <Schema extends z.ZodType>(schema: Schema) =>
  schema.nullable().transform((value) => value ?? undefined);

const text = optional(z.string());
const count = optional(z.int());
const number = optional(z.number());
const json = z.string().transform((written): unknown => JSON.parse(written));

const counts = {
  input_tokens: count,
  output_tokens: count,
  cached_input_tokens: count,
  cache_write_tokens: count,
  cache_write_hour_tokens: count,
  reasoning_tokens: count,
};
/** The columns of what an attempt used. */
export const USAGE_COLUMNS = Object.keys(counts);

/** What an attempt used, as far as that was reported. */
export const usageRow = z.object(counts).transform(usedIn);

/** A row of `requests`; its attempts are rows of their own. */
export const requestRow = z
  .object({
    id: z.string(),
    at: z.int(),
    source: z.string(),
    session: text,
    agent: text,
    priority: z.enum(PRIORITIES),
    private: z.int(),
    category: z.enum(TASK_CATEGORIES),
    complexity: z.enum(COMPLEXITIES),
    prompt_sha256: z.string(),
    prompt_tokens_estimate: z.int(),
    policy: z.string(),
    tier: z.string(),
    target: z.string(),
    decision: json,
    state: z.enum(REQUEST_STATES),
    answered_tier: text,
    answered_target: text,
    failure: text,
    ttft_ms: number,
    total_ms: number,
    overhead_ms: number,
    input_tokens: count,
    output_tokens: count,
    usd: number,
  })
  .transform((row): Omit<RecordedRequest, 'attempts'> => {
    const usage = usageOf(row);
    const ending = endingOf(row);
    return {
      id: row.id,
      at: row.at,
      source: row.source,
      ...(row.session === undefined ? {} : { session: row.session }),
      ...(row.agent === undefined ? {} : { agent: row.agent }),
      priority: row.priority,
      private: row.private === 1,
      category: row.category,
      complexity: row.complexity,
      promptSha256: row.prompt_sha256,
      promptTokensEstimate: row.prompt_tokens_estimate,
      policy: row.policy,
      tier: row.tier,
      target: row.target,
      decision: row.decision,
      state: row.state,
      ...(ending === undefined ? {} : { ending }),
      ...(usage === undefined ? {} : { usage }),
      ...(row.usd === undefined ? {} : { usd: row.usd }),
    };
  });

/** A row of `attempts` with its kind. */
export const attemptRow = z
  .object({
    at: z.int(),
    purpose: z.enum(PURPOSES),
    tier: z.string(),
    target: z.string(),
    self_hosted: z.int(),
    batch: z.int(),
    outcome: z.string(),
    ttft_ms: number,
    total_ms: z.number(),
    ...counts,
    price_version: z.string(),
    nano_usd: count,
  })
  .transform((row): RecordedAttempt => {
    const usage = usageOf(row);
    return {
      at: row.at,
      purpose: row.purpose,
      tier: row.tier,
      target: row.target,
      selfHosted: row.self_hosted === 1,
      batch: row.batch === 1,
      outcome: row.outcome,
      ...(usage === undefined ? {} : { usage }),
      ...(row.ttft_ms === undefined ? {} : { ttftMs: row.ttft_ms }),
      totalMs: row.total_ms,
      ...(row.nano_usd === undefined ? {} : { usd: row.nano_usd / 1e9 }),
      ...(row.price_version === '' ? {} : { priceVersion: row.price_version }),
    };
  });

export const eventRow = z
  .object({ at: z.int(), kind: z.string(), request_id: text, detail: json })
  .transform(({ at, kind, request_id: requestId, detail }): RouteEventRecord => ({
    at,
    kind,
    ...(requestId === undefined ? {} : { requestId }),
    detail,
  }));

function endingOf(row: {
  state: (typeof REQUEST_STATES)[number];
  answered_tier: string | undefined;
  answered_target: string | undefined;
  failure: string | undefined;
  ttft_ms: number | undefined;
  total_ms: number | undefined;
  overhead_ms: number | undefined;
}): Ending | undefined {
  const { state, total_ms: totalMs, overhead_ms: overheadMs } = row;
  if (state === 'running' || state === 'interrupted') return undefined;
  if (totalMs === undefined || overheadMs === undefined) return undefined;
  return {
    state,
    ...(row.answered_tier === undefined ? {} : { answeredTier: row.answered_tier }),
    ...(row.answered_target === undefined ? {} : { answeredTarget: row.answered_target }),
    ...(row.failure === undefined ? {} : { failure: row.failure }),
    ...(row.ttft_ms === undefined ? {} : { ttftMs: row.ttft_ms }),
    totalMs,
    overheadMs,
  };
}

type Counts = Partial<Record<keyof typeof counts, number | undefined>>;

/** What was reported; `undefined` where nothing was. */
function usageOf(row: Counts): Usage | undefined {
  const usage = usedIn(row);
  return Object.keys(usage).length === 0 ? undefined : usage;
}

function usedIn(row: Counts): Usage {
  return {
    ...(row.input_tokens === undefined ? {} : { inputTokens: row.input_tokens }),
    ...(row.output_tokens === undefined ? {} : { outputTokens: row.output_tokens }),
    ...(row.cached_input_tokens === undefined
      ? {}
      : { cachedInputTokens: row.cached_input_tokens }),
    ...(row.cache_write_tokens === undefined ? {} : { cacheWriteTokens: row.cache_write_tokens }),
    ...(row.cache_write_hour_tokens === undefined
      ? {}
      : { cacheWriteHourTokens: row.cache_write_hour_tokens }),
    ...(row.reasoning_tokens === undefined ? {} : { reasoningTokens: row.reasoning_tokens }),
  };
}
