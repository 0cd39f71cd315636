import { z } from 'zod';
import type { FinishReason, Usage } from '../../core/request.ts';
import { classify } from '../classify.ts';
import { ProviderFailure } from '../failure.ts';
import type { AnswerPart } from '../http/answer.ts';
import { parseJson, tellsOfError, type HttpStream } from '../http/http-client.ts';
import { createSseParser } from '../http/sse.ts';

const count = z.int().min(0).nullish();

const usageSchema = z.object({
  prompt_tokens: count,
  completion_tokens: count,
  prompt_tokens_details: z.object({ cached_tokens: count }).nullish(),
  completion_tokens_details: z.object({ reasoning_tokens: count }).nullish(),
});

const callSchema = z.object({
  index: count,
  id: z.string().nullish(),
  function: z.object({ name: z.string().nullish(), arguments: z.string().nullish() }).nullish(),
});

const chunkSchema = z.object({
  choices: z
    .array(
      z.object({
        delta: z
          .object({
            content: z.string().nullish(),
            // llama-server and vLLM until 0.10 say the first, newer vLLM and Ollama the second.
            reasoning_content: z.string().nullish(),
            reasoning: z.string().nullish(),
            tool_calls: z.array(callSchema).nullish(),
          })
          .nullish(),
        finish_reason: z.string().nullish(),
      }),
    )
    .nullish(),
  usage: usageSchema.nullish(),
  /** llama-server's own; beside the usage. */
  timings: z.object({ cache_n: count }).nullish(),
});
type Chunk = z.output<typeof chunkSchema>;

/**
 * The stream of `/v1/chat/completions`. It is whole when a `finish_reason` came; `[DONE]` ends it,
 * after the usage.
 */
export async function* readChatStream(stream: HttpStream): AsyncGenerator<AnswerPart[]> {
  const parser = createSseParser();
  let finishReason: FinishReason | undefined;

  function partsOf(data: string): AnswerPart[] {
    const parts: AnswerPart[] = [];
    const { choices, usage, timings } = parseChunk(data);
    const choice = choices?.[0];
    const thinking = choice?.delta?.reasoning_content ?? choice?.delta?.reasoning;
    if (thinking) parts.push({ type: 'thinking', text: thinking });
    if (choice?.delta?.content) parts.push({ type: 'text', text: choice.delta.content });
    for (const [place, call] of (choice?.delta?.tool_calls ?? []).entries()) {
      parts.push({
        type: 'tool-call',
        index: call.index ?? place,
        id: call.id ?? undefined,
        name: call.function?.name ?? undefined,
        arguments: call.function?.arguments ?? undefined,
      });
    }
    if (choice?.finish_reason) finishReason = finishReasonOf(choice.finish_reason);
    if (usage) parts.push({ type: 'usage', usage: usageOf(usage, timings) });
    return parts;
  }

  function ending(): AnswerPart[] {
    return finishReason === undefined ? [] : [{ type: 'end', finishReason }];
  }

  for await (const bytes of stream) {
    const parts: AnswerPart[] = [];
    for (const { data } of parser.push(bytes)) {
      if (data === '[DONE]') {
        stream.complete();
        yield [...parts, ...ending()];
        return;
      }
      parts.push(...partsOf(data));
    }
    yield parts;
  }
  const last = parser.end().filter(({ data }) => data !== '[DONE]');
  yield [...last.flatMap(({ data }) => partsOf(data)), ...ending()];
}

function parseChunk(data: string): Chunk {
  const json = parseJson(data);
  if (tellsOfError(json)) {
    const { failure, message } = classify({ status: 200, body: json });
    throw new ProviderFailure(failure, message);
  }
  const chunk = chunkSchema.safeParse(json);
  if (chunk.success) return chunk.data;
  throw new ProviderFailure(
    'malformed',
    'The stream holds an event that is no chunk of an answer.',
  );
}

function finishReasonOf(reason: string): FinishReason {
  // vLLM's words for an answer that it gave up.
  if (reason === 'abort' || reason === 'error') {
    throw new ProviderFailure('truncated-stream', `The server gave the answer up (${reason}).`);
  }
  return reason === 'length' ? 'length' : 'stop';
}

function usageOf(usage: z.output<typeof usageSchema>, timings: Chunk['timings']): Usage {
  const inputTokens = usage.prompt_tokens ?? undefined;
  const outputTokens = usage.completion_tokens ?? undefined;
  const cached = usage.prompt_tokens_details?.cached_tokens ?? timings?.cache_n ?? undefined;
  const thought = usage.completion_tokens_details?.reasoning_tokens ?? undefined;
  return {
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
    ...(cached === undefined ? {} : { cachedInputTokens: cached }),
    ...(thought === undefined ? {} : { reasoningTokens: thought }),
  };
}
