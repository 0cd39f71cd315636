import type { RouteAnswer } from '../../../routing/router.ts';

/** The answer as `--json` prints it; a number that is not known is null. */
export function answerJson(answer: RouteAnswer): object {
  const { requestId, completion, tier, target, decision, attempts, totalMs, overheadMs, dropped } =
    answer;
  const { text, thinking, model, finishReason, usage, timing } = completion;
  return {
    requestId,
    text,
    ...(thinking === undefined ? {} : { thinking }),
    tier,
    target,
    model,
    policy: decision.policy,
    finishReason,
    usage: {
      inputTokens: usage.inputTokens ?? null,
      outputTokens: usage.outputTokens ?? null,
      cachedInputTokens: usage.cachedInputTokens ?? null,
      cacheWriteTokens: usage.cacheWriteTokens ?? null,
    },
    usd: answer.usd ?? null,
    ttftMs: timing.ttftMs ?? null,
    totalMs,
    overheadMs,
    attempts,
    dropped,
    decision,
  };
}
