import type { Completion, ToolCall } from '../../core/request.ts';
import { argumentsObject } from '../../providers/http/tool-calls.ts';
import type { AnswerHead, AnswerWriter, Piece } from '../dialect.ts';

const NS_PER_MS = 1e6;

/**
 * Answers of `/api/chat` and `/api/generate`: lines of JSON, the last one with `done`.
 * @param withThinking the client did not refuse what the model thinks
 */
export function ollamaWriter(
  kind: 'chat' | 'generate',
  { target, now, elapsedMs }: AnswerHead,
  withThinking: boolean,
): AnswerWriter {
  const model = JSON.stringify(target);
  // Written once for every token: a line is put together without making objects.
  const line = (body: string): string =>
    `{"model":${model},"created_at":"${new Date(now()).toISOString()}",${body},"done":false}\n`;

  function contentOf(text: string, extra: string): string {
    const said = JSON.stringify(text);
    return kind === 'chat'
      ? `"message":{"role":"assistant","content":${said}${extra}}`
      : `"response":${said}${extra}`;
  }

  function lastOf(completion: Completion, content: object): string {
    return JSON.stringify({
      model: target,
      created_at: new Date(now()).toISOString(),
      ...content,
      done: true,
      ...endOf(completion, elapsedMs()),
    });
  }

  return {
    whole: ({ completion }) => lastOf(completion, wholeOf(kind, completion, withThinking)),
    opening: () => '',
    piece(piece: Piece) {
      switch (piece.type) {
        case 'text':
          return line(contentOf(piece.text, ''));
        case 'thinking':
          return withThinking
            ? line(contentOf('', `,"thinking":${JSON.stringify(piece.text)}`))
            : '';
        case 'tool-call':
          return line(contentOf('', `,"tool_calls":${JSON.stringify([callOf(piece.call)])}`));
      }
    },
    closing: ({ completion }) =>
      `${lastOf(completion, kind === 'chat' ? { message: { role: 'assistant', content: '' } } : { response: '' })}\n`,
  };
}

function wholeOf(
  kind: 'chat' | 'generate',
  { text, thinking, toolCalls }: Completion,
  withThinking: boolean,
): object {
  const thought = withThinking && thinking !== undefined ? { thinking } : {};
  if (kind === 'generate') return { response: text, ...thought };
  const calls = toolCalls === undefined ? {} : { tool_calls: toolCalls.map(callOf) };
  return { message: { role: 'assistant', content: text, ...thought, ...calls } };
}

function callOf({ id, name, arguments: written }: ToolCall): object {
  return { id, function: { name, arguments: argumentsObject(written) } };
}

/** Ollama's times are nanoseconds; the time to the first token is the prompt's. Nothing loads here. */
function endOf({ finishReason, usage, timing }: Completion, elapsedMs: number): object {
  const { inputTokens, outputTokens } = usage;
  const { ttftMs, totalMs } = timing;
  return {
    done_reason: finishReason === 'length' ? 'length' : 'stop',
    total_duration: nanoseconds(elapsedMs),
    load_duration: 0,
    ...(inputTokens === undefined ? {} : { prompt_eval_count: inputTokens }),
    ...(ttftMs === undefined ? {} : { prompt_eval_duration: nanoseconds(ttftMs) }),
    ...(outputTokens === undefined ? {} : { eval_count: outputTokens }),
    ...(ttftMs === undefined || totalMs === undefined
      ? {}
      : { eval_duration: nanoseconds(totalMs - ttftMs) }),
  };
}

function nanoseconds(ms: number): number {
  return Math.round(ms * NS_PER_MS);
}
