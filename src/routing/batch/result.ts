import { z } from 'zod';
import type { Completion } from '../../core/request.ts';
import { TIERS, type Tier } from '../decision.ts';
import type { RouteAnswer } from '../router.ts';
import type { BatchLine } from './input.ts';

/** What came of one request. */
export type BatchOutcome =
  | { ok: true; answer: BatchAnswer }
  | { ok: false; error: { code: string; message: string } };

export interface BatchAnswer extends Pick<
  Completion,
  'text' | 'toolCalls' | 'finishReason' | 'model' | 'usage'
> {
  tier: Tier;
  /** Who answered. */
  target: string;
  /** US dollars of all attempts; absent where one has no known price. */
  usd?: number;
  /** Under which the request is recorded. */
  requestId: string;
}

/** One answered line; `sameAs` is the line whose answer it was given, which alone has tokens and cost. */
export type BatchResult = BatchOutcome & { line: number; id?: string; sameAs?: number };

const count = z.int().min(0).exactOptional();
const outcomeSchema = z.discriminatedUnion('ok', [
  z.strictObject({
    ok: z.literal(true),
    answer: z.strictObject({
      text: z.string(),
      toolCalls: z
        .array(z.strictObject({ id: z.string(), name: z.string(), arguments: z.string() }))
        .exactOptional(),
      finishReason: z.enum(['stop', 'length', 'tool-calls', 'cancelled']),
      model: z.string(),
      usage: z.strictObject({
        inputTokens: count,
        outputTokens: count,
        cachedInputTokens: count,
        cacheWriteTokens: count,
        cacheWriteHourTokens: count,
        reasoningTokens: count,
      }),
      tier: z.enum(TIERS),
      target: z.string(),
      usd: z.number().min(0).exactOptional(),
      requestId: z.string(),
    }),
  }),
  z.strictObject({
    ok: z.literal(false),
    error: z.strictObject({ code: z.string(), message: z.string() }),
  }),
]);

/** An outcome and the lines it is for: of the first one that was asked, of the others that are the same. */
export const groupSchema = z.strictObject({
  lines: z.array(z.int().min(1)).min(1),
  outcome: outcomeSchema,
});
export interface GroupOutcome {
  lines: readonly number[];
  outcome: BatchOutcome;
}

/** What is read of a line of output that is already there. */
export const writtenSchema = z.looseObject({
  line: z.int().min(1),
  id: z.string().exactOptional(),
  ok: z.boolean(),
  sameAs: z.int().min(1).exactOptional(),
  answer: z.looseObject({ usd: z.number().exactOptional() }).exactOptional(),
});

/** The result of one line of a group. */
export function resultOf({ line, id }: BatchLine, { lines, outcome }: GroupOutcome): BatchResult {
  const [first] = lines;
  const head = { line, ...(id === undefined ? {} : { id }) };
  if (first === undefined || first === line) return { ...head, ...outcome };
  if (!outcome.ok) return { ...head, sameAs: first, ...outcome };
  return { ...head, sameAs: first, ok: true, answer: { ...outcome.answer, usage: {}, usd: 0 } };
}

export function answerOf({
  completion: { text, toolCalls, finishReason, model, usage },
  usd,
  requestId,
  tier,
  target,
}: Pick<RouteAnswer, 'completion' | 'requestId' | 'tier' | 'target'> & {
  usd?: number | undefined;
}): BatchAnswer {
  return {
    text,
    ...(toolCalls === undefined ? {} : { toolCalls }),
    finishReason,
    model,
    usage,
    tier,
    target,
    ...(usd === undefined ? {} : { usd }),
    requestId,
  };
}
