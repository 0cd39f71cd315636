import { z } from 'zod';
import type { Usage } from '../../core/request.ts';
import { classify } from '../classify.ts';
import { ProviderFailure } from '../failure.ts';
import type { AnswerPart } from '../http/answer.ts';
import { parseJson, tellsOfError, type HttpStream } from '../http/http-client.ts';
import { createNdjsonParser } from '../http/ndjson.ts';

const count = z.int().min(0).nullish();

const callSchema = z.object({
  // Since 0.12.
  id: z.string().nullish(),
  function: z.object({
    name: z.string(),
    arguments: z.record(z.string(), z.unknown()).nullish(),
  }),
});

const lineSchema = z.object({
  message: z
    .object({
      content: z.string().nullish(),
      thinking: z.string().nullish(),
      tool_calls: z.array(callSchema).nullish(),
    })
    .nullish(),
  done: z.boolean().nullish(),
  done_reason: z.string().nullish(),
  prompt_eval_count: count,
  eval_count: count,
});
type Line = z.output<typeof lineSchema>;

/** The stream of `/api/chat`. It is whole when a line with `done: true` came. */
export async function* readChatStream(stream: HttpStream): AsyncGenerator<AnswerPart[]> {
  const parser = createNdjsonParser();
  let empty = true;
  let calls = 0;

  function partsOf(line: Line): AnswerPart[] {
    const parts: AnswerPart[] = [];
    if (line.message?.thinking) parts.push({ type: 'thinking', text: line.message.thinking });
    if (line.message?.content) parts.push({ type: 'text', text: line.message.content });
    // Each comes whole, and its own `index` begins anew in every line.
    for (const { id, function: call } of line.message?.tool_calls ?? []) {
      parts.push({
        type: 'tool-call',
        index: calls++,
        id: id ?? undefined,
        name: call.name,
        arguments: JSON.stringify(call.arguments ?? {}),
      });
    }
    empty &&= parts.length === 0;
    if (line.done !== true) return parts;
    const finishReason = line.done_reason === 'length' ? 'length' : 'stop';
    return [
      ...parts,
      { type: 'usage', usage: usageOf(line, empty) },
      { type: 'end', finishReason },
    ];
  }

  for await (const bytes of stream) {
    const parts: AnswerPart[] = [];
    for (const text of parser.push(bytes)) {
      const line = parseLine(text);
      parts.push(...partsOf(line));
      if (line.done !== true) continue;
      stream.complete();
      yield parts;
      return;
    }
    yield parts;
  }
  // Without its line end the last line may be cut off, and then it is no end mark.
  const last = parser.end().filter((text) => parseJson(text) !== undefined);
  yield last.flatMap((text) => partsOf(parseLine(text)));
}

function parseLine(text: string): Line {
  const json = parseJson(text);
  if (tellsOfError(json)) {
    const { failure, message } = classify({ status: 200, body: json });
    throw new ProviderFailure(failure, message);
  }
  const line = lineSchema.safeParse(json);
  if (line.success) return line.data;
  throw new ProviderFailure('malformed', 'The stream holds a line that is no part of an answer.');
}

/** Ollama leaves a count out that is zero; of the answer that can be told, of the prompt it cannot be so. */
function usageOf(line: Line, empty: boolean): Usage {
  const inputTokens = line.prompt_eval_count ?? undefined;
  const outputTokens = line.eval_count ?? (empty ? 0 : undefined);
  return {
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
  };
}
