import { ExitCode } from '../../../core/errors.ts';
import type { RouteAnswer } from '../../../routing/router.ts';
import type { CommandContext } from '../../main.ts';
import { showAnswer, tellCosts, tellWhatHappened } from './answer.ts';
import { openRoute } from './open.ts';
import { readPrompt } from './read-prompt.ts';
import { requestOf, type RequestFlags } from './request.ts';

interface PromptFlags extends RequestFlags {
  file?: string[];
}

/** `aqe-llm route`: answers one prompt. */
export async function promptCommand(
  context: CommandContext,
  words: string | undefined,
  { file = [], ...flags }: PromptFlags,
): Promise<ExitCode> {
  const { host, output } = context;
  const request = requestOf(await readPrompt(words, file, host), flags, 'cli');
  const route = await openRoute(context);
  try {
    if (output.json) {
      const answer = await route.router.complete(request, { signal: host.signal });
      tellWhatHappened(route, answer.requestId, context);
      output.result(JSON.stringify(answerJson(answer)));
      return ExitCode.Ok;
    }
    const answer = await showAnswer(route, request, context, host.signal);
    tellCosts(answer, context);
    return answer.completion.finishReason === 'cancelled' ? ExitCode.Interrupted : ExitCode.Ok;
  } finally {
    await route.close();
  }
}

/** The answer as `--json` prints it; a number that is not known is null. */
function answerJson(answer: RouteAnswer): object {
  const { requestId, completion, tier, target, decision, attempts, overheadMs, dropped } = answer;
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
    totalMs: timing.totalMs ?? null,
    overheadMs,
    attempts,
    dropped,
    decision,
  };
}
