import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ToolCall } from '../../../src/core/request.ts';
import { createEventReader } from '../../../src/providers/anthropic/events.ts';
import { streamAnswer, type AnswerPart } from '../../../src/providers/http/answer.ts';
import type { HttpStream } from '../../../src/providers/http/http-client.ts';
import { readChatStream as readNdjson } from '../../../src/providers/ollama/chat-stream.ts';
import { readChatStream as readSse } from '../../../src/providers/openai-compatible/chat-stream.ts';
import type { StreamEvent } from '../../../src/providers/provider.ts';
import { deadlines, requestOf, systemClock } from './loopback.ts';

const encoder = new TextEncoder();

function streamOf(written: string, places: readonly number[]): HttpStream {
  const bytes = encoder.encode(written);
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (a, b) => a - b,
  );
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (const [index, end] of ends.entries()) yield bytes.subarray(ends[index - 1] ?? 0, end);
  }
  const all = chunks();
  return { complete() {}, [Symbol.asyncIterator]: () => all };
}

function cutText(text: string, places: readonly number[]): string[] {
  const ends = [...places.map((place) => place % (text.length + 1)), text.length].toSorted(
    (a, b) => a - b,
  );
  return ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
}

async function read(parts: AsyncIterable<readonly AnswerPart[]>): Promise<StreamEvent[]> {
  const ask = async (): Promise<AsyncIterable<readonly AnswerPart[]>> => parts;
  const request = requestOf('hi');
  const events: StreamEvent[] = [];
  const stream = streamAnswer({ model: 'm', request, deadlines, clock: systemClock, ask });
  for await (const event of stream) events.push(event);
  return events;
}

function expectCalls(events: readonly StreamEvent[], text: string, calls: readonly ToolCall[]) {
  const last = events.at(-1);
  expect(events.filter(({ type }) => type === 'tool-call')).toEqual(
    calls.map((call) => ({ type: 'tool-call', call })),
  );
  expect(last).toMatchObject({
    type: 'finished',
    completion: {
      text,
      finishReason: calls.length === 0 ? 'stop' : 'tool-calls',
      ...(calls.length === 0 ? {} : { toolCalls: calls }),
    },
  });
}

const places = fc.array(fc.nat(), { maxLength: 12 });
const name = fc.stringMatching(/^[a-z_]{1,12}$/);
const input = fc.dictionary(fc.string({ maxLength: 6 }), fc.jsonValue({ maxDepth: 2 }), {
  maxKeys: 3,
  noNullPrototype: true,
});
const calls = fc.array(fc.record({ name, input, cuts: places }), { maxLength: 4 }).map((made) =>
  made.map(({ name: called, input: given, cuts }, index) => ({
    call: { id: `call_${index}`, name: called, arguments: JSON.stringify(given) },
    cuts,
  })),
);
const text = fc.stringMatching(/^[a-zé ]{0,10}$/);

describe('tool calls in a stream', () => {
  it('of /v1/chat/completions are whole in any chunking', async () => {
    await fc.assert(
      fc.asyncProperty(text, calls, fc.boolean(), places, async (said, made, repeats, cuts) => {
        const deltas: unknown[] = [{ role: 'assistant', content: said }];
        for (const [index, { call, cuts: inside }] of made.entries()) {
          const { id } = call;
          const head = { index, id, type: 'function' };
          deltas.push({
            tool_calls: [{ ...head, function: { name: call.name, arguments: '' } }],
          });
          for (const piece of cutText(call.arguments, inside)) {
            const again = repeats ? { id, function: { name: call.name, arguments: piece } } : {};
            deltas.push({ tool_calls: [{ index, function: { arguments: piece }, ...again }] });
          }
        }
        const written = deltas
          .map((delta) => ({ choices: [{ delta, finish_reason: null }] }))
          .concat(
            JSON.parse(
              JSON.stringify({
                choices: [{ delta: {}, finish_reason: made.length > 0 ? 'tool_calls' : 'stop' }],
              }),
            ),
          )
          .map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`)
          .join('');
        const events = await read(readSse(streamOf(`${written}data: [DONE]\n\n`, cuts)));
        expectCalls(
          events,
          said,
          made.map(({ call }) => call),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('of /api/chat are whole in any chunking', async () => {
    await fc.assert(
      fc.asyncProperty(text, calls, places, async (said, made, cuts) => {
        const messages = [
          { role: 'assistant', content: said },
          ...made.map(({ call: { id, name: called, arguments: given } }) => ({
            role: 'assistant',
            content: '',
            tool_calls: [
              { id, function: { index: 0, name: called, arguments: JSON.parse(given) } },
            ],
          })),
        ];
        const written = [
          ...messages.map((message) => ({ message, done: false })),
          { message: { role: 'assistant', content: '' }, done: true, done_reason: 'stop' },
        ]
          .map((line) => `${JSON.stringify(line)}\n`)
          .join('');
        // An object's keys that look like numbers come first, whoever parses it.
        const whole = made.map(({ call }) => ({
          ...call,
          arguments: JSON.stringify(JSON.parse(call.arguments)),
        }));
        expectCalls(await read(readNdjson(streamOf(written, cuts))), said, whole);
      }),
      { numRuns: 60 },
    );
  });

  it('of the Messages API are whole in any pieces', async () => {
    await fc.assert(
      fc.asyncProperty(text, calls, async (said, made) => {
        const events: { type: string; [key: string]: unknown }[] = [
          { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
          { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: said } },
        ];
        for (const [place, { call, cuts }] of made.entries()) {
          const { id, name: called } = call;
          const index = place + 1;
          const block = { type: 'tool_use', id, name: called, input: {} };
          events.push({ type: 'content_block_start', index, content_block: block });
          for (const json of cutText(call.arguments, cuts)) {
            const delta = { type: 'input_json_delta', partial_json: json };
            events.push({ type: 'content_block_delta', index, delta });
          }
        }
        const reason = made.length > 0 ? 'tool_use' : 'end_turn';
        events.push({ type: 'message_delta', delta: { stop_reason: reason }, usage: {} });
        events.push({ type: 'message_stop' });
        const reader = createEventReader();
        async function* parts(): AsyncGenerator<AnswerPart[]> {
          for (const event of events) yield reader(event);
        }
        expectCalls(
          await read(parts()),
          said,
          made.map(({ call }) => call),
        );
      }),
      { numRuns: 60 },
    );
  });

  it('that the Messages API runs itself are none of ours', () => {
    const reader = createEventReader();
    const block = { type: 'server_tool_use', id: 'srv_1', name: 'web_search', input: {} };
    const delta = { type: 'input_json_delta', partial_json: '{}' };
    expect(
      reader(Object.assign({ type: 'content_block_start', index: 0 }, { content_block: block })),
    ).toEqual([]);
    expect(reader(Object.assign({ type: 'content_block_delta', index: 0 }, { delta }))).toEqual([]);
  });
});

describe('a tool call', () => {
  const end: AnswerPart = { type: 'end', finishReason: 'stop' };
  async function* of(...parts: AnswerPart[]): AsyncGenerator<AnswerPart[]> {
    yield parts;
  }

  it('gets the same id again for the same request, another for another call, where the server names none', async () => {
    const ids = async (): Promise<unknown> => {
      const events = await read(
        of(
          { type: 'tool-call', index: 0, name: 'a', arguments: '{}' },
          { type: 'tool-call', index: 1, name: 'a', arguments: '{}' },
          end,
        ),
      );
      return events.flatMap((event) => (event.type === 'tool-call' ? [event.call.id] : []));
    };
    const first = await ids();
    expect(await ids()).toEqual(first);
    expect(first).toEqual([
      expect.stringMatching(/^call_[0-9a-f]{16}_0$/),
      expect.stringMatching(/^call_[0-9a-f]{16}_1$/),
    ]);
  });

  it('counts as the first token, and has an empty object where no arguments came', async () => {
    const [call, finished] = await read(
      of({ type: 'tool-call', index: 0, id: 'x', name: 'a' }, end),
    );
    expect(call).toEqual({
      type: 'tool-call',
      call: { id: 'x', name: 'a', arguments: '{}' },
    });
    expect(finished).toMatchObject({ completion: { timing: { ttftMs: expect.any(Number) } } });
  });

  it('that was cut off at the limit is told as such', async () => {
    const events = await read(
      of(
        { type: 'tool-call', index: 0, id: 'x', name: 'a', arguments: '{"f' },
        { type: 'end', finishReason: 'length' },
      ),
    );
    expect(events.at(-1)).toMatchObject({ completion: { finishReason: 'length' } });
  });
});
