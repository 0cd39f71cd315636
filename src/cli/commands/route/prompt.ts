import type { Command } from 'commander';
import { ExitCode } from '../../../core/errors.ts';
import type { CommandContext } from '../../main.ts';
import { showAnswer, tellCosts, tellWhatHappened } from './answer.ts';
import { answerJson } from './answer-json.ts';
import { refuseMistyped } from './mistyped.ts';
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
  called: Command,
): Promise<ExitCode> {
  refuseMistyped(
    words,
    called.commands.map((command) => command.name()),
  );
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
    tellCosts(answer, [`policy ${answer.decision.policy}`, `id ${answer.requestId}`], context);
    return answer.completion.finishReason === 'cancelled' ? ExitCode.Interrupted : ExitCode.Ok;
  } finally {
    await route.close();
  }
}
