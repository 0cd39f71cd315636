import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import type { AnswerHead, AnswerWriter, Piece } from '../../src/gateway/dialect.ts';
import { messageWriter } from '../../src/gateway/anthropic/message-answer.ts';
import { ollamaWriter } from '../../src/gateway/ollama/chat-answer.ts';
import { chatWriter } from '../../src/gateway/openai/chat-answer.ts';
import { answerOf } from './scripted-router.ts';

const HEAD: AnswerHead = {
  requestId: 'r1',
  target: 'stub:"odd"\n',
  now: () => 0,
  elapsedMs: () => 1,
};
const pieces: fc.Arbitrary<Piece[]> = fc.array(
  fc.record({
    type: fc.constantFrom('text' as const, 'thinking' as const),
    text: fc.string({ unit: 'binary', minLength: 1 }),
  }),
);

/** A whole stream, and what a reader of its text and its thoughts puts together. */
function streamed(writer: AnswerWriter, given: readonly Piece[]): string {
  const answer = answerOf({ text: told(given, 'text'), thinking: told(given, 'thinking') });
  return (
    writer.opening() + given.map((piece) => writer.piece(piece)).join('') + writer.closing(answer)
  );
}

function told(given: readonly Piece[], type: 'text' | 'thinking'): string {
  return given.map((piece) => (piece.type === type ? piece.text : '')).join('');
}

/** Events as the specification of server-sent events has them: lines, an empty one after each event. */
function dataOf(stream: string): string[] {
  const events = stream.split('\n\n');
  expect(events.pop()).toBe('');
  return events.map((event) => {
    const data = event.split('\n').filter((line) => line.startsWith('data: '));
    expect(data).toHaveLength(1);
    return data.join('').slice('data: '.length);
  });
}

const openaiChunk = z.object({
  choices: z.array(
    z.object({
      delta: z.object({
        content: z.string().optional(),
        reasoning_content: z.string().optional(),
      }),
    }),
  ),
});
const anthropicEvent = z.looseObject({
  type: z.string(),
  index: z.number().optional(),
  delta: z.looseObject({ text: z.string().optional(), thinking: z.string().optional() }).optional(),
});
const ollamaLine = z.looseObject({
  done: z.boolean(),
  message: z.object({ content: z.string(), thinking: z.string().optional() }),
});

describe('a stream says what the model said', () => {
  test('in OpenAI’s events', () => {
    fc.assert(
      fc.property(pieces, fc.boolean(), (given, withUsage) => {
        const data = dataOf(streamed(chatWriter(HEAD, withUsage), given));
        expect(data.pop()).toBe('[DONE]');
        const deltas = data
          .map((text) => openaiChunk.parse(JSON.parse(text)))
          .flatMap(({ choices }) => choices.map(({ delta }) => delta));
        expect(deltas.map(({ content = '' }) => content).join('')).toBe(told(given, 'text'));
        expect(deltas.map((delta) => delta.reasoning_content ?? '').join('')).toBe(
          told(given, 'thinking'),
        );
      }),
    );
  });

  test('in Anthropic’s events, whose blocks begin, go on and end one after the other', () => {
    fc.assert(
      fc.property(pieces, (given) => {
        const events = dataOf(streamed(messageWriter(HEAD, true), given)).map((text) =>
          anthropicEvent.parse(JSON.parse(text)),
        );
        let open = -1;
        let count = 0;
        for (const { type, index } of events) {
          if (type === 'content_block_start') {
            expect([open, index]).toEqual([-1, count]);
            open = count;
            count += 1;
          }
          if (type === 'content_block_delta') expect(index).toBe(open);
          if (type === 'content_block_stop') {
            expect(index).toBe(open);
            open = -1;
          }
        }
        expect(open).toBe(-1);
        expect(events.map(({ delta }) => delta?.text ?? '').join('')).toBe(told(given, 'text'));
        expect(events.map(({ delta }) => delta?.thinking ?? '').join('')).toBe(
          told(given, 'thinking'),
        );
        expect(events.at(-1)?.type).toBe('message_stop');
      }),
    );
  });

  test('in Ollama’s lines', () => {
    fc.assert(
      fc.property(pieces, (given) => {
        const lines = streamed(ollamaWriter('chat', HEAD, true), given).split('\n');
        expect(lines.pop()).toBe('');
        const parts = lines.map((line) => ollamaLine.parse(JSON.parse(line)));
        expect(parts.map(({ done }) => done)).toEqual(
          parts.map((_, index) => index === parts.length - 1),
        );
        expect(parts.map(({ message }) => message.content).join('')).toBe(told(given, 'text'));
        expect(parts.map(({ message }) => message.thinking ?? '').join('')).toBe(
          told(given, 'thinking'),
        );
      }),
    );
  });
});
