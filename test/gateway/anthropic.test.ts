import Anthropic from '@anthropic-ai/sdk';
import { describe, expect, it } from 'vitest';
import { ProviderFailure } from '../../src/providers/failure.ts';
import { TARGET } from './scripted-router.ts';
import { collect, withGateway, type TestGateway } from './with-gateway.ts';

const ASK = {
  model: 'auto',
  max_tokens: 100,
  messages: [{ role: 'user' as const, content: 'Hi' }],
};
const WEATHER = {
  name: 'weather',
  description: 'Tells the weather.',
  input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } },
};
const CALL = { id: 'call_1', name: 'weather', arguments: '{"city":"Bern"}' };

async function withClient(): Promise<TestGateway & { client: Anthropic }> {
  const test = await withGateway();
  return { ...test, client: new Anthropic({ baseURL: test.url, apiKey: 'any', maxRetries: 0 }) };
}

describe('the official client of Anthropic', () => {
  it('gets an answer in one piece', async () => {
    const { client, router } = await withClient();
    // Not in the client's types any more, and sent by those before it.
    const older = { temperature: 0.5 };
    const { data, response } = await client.messages
      .create({
        ...ASK,
        system: [{ type: 'text', text: 'Be kind.', cache_control: { type: 'ephemeral' } }],
        stop_sequences: ['END'],
        ...older,
        metadata: { user_id: 'somebody' },
      })
      .withResponse();
    expect(data).toMatchObject({
      id: 'msg_r1',
      type: 'message',
      model: TARGET,
      content: [{ type: 'text', text: 'Hello there' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 8, output_tokens: 5, cache_read_input_tokens: 4 },
    });
    expect(response.headers.get('request-id')).toBe(response.headers.get('x-request-id'));
    expect(response.headers.get('x-aqe-tier')).toBe('direct');
    expect(router.requests).toEqual([
      {
        source: 'anthropic',
        model: 'auto',
        maxTokens: 100,
        ...older,
        stop: ['END'],
        messages: [
          { role: 'system', content: 'Be kind.' },
          { role: 'user', content: 'Hi' },
        ],
      },
    ]);
  });

  it('gets a stream', async () => {
    const { client } = await withClient();
    const stream = client.messages.stream(ASK);
    const deltas = await collect(stream);
    expect(deltas.map(({ type }) => type)).toEqual([
      'message_start',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(await stream.finalMessage()).toMatchObject({
      content: [{ type: 'text', text: 'Hello there' }],
      stop_reason: 'end_turn',
      usage: { input_tokens: 8, output_tokens: 5 },
    });
  });

  it('sees what a model thinks where it asks for it', async () => {
    const { client, router } = await withClient();
    router.script = { steps: [{ thinking: 'Hm.' }, { text: 'Yes' }] };
    const thinking = { type: 'enabled' as const, budget_tokens: 1024 };
    const seen = await client.messages.stream({ ...ASK, thinking }).finalMessage();
    expect(seen.content).toMatchObject([
      { type: 'thinking', thinking: 'Hm.' },
      { type: 'text', text: 'Yes' },
    ]);
    const unseen = await client.messages.stream(ASK).finalMessage();
    expect(unseen.content).toMatchObject([{ type: 'text', text: 'Yes' }]);
    // It gives the thought back with its next turn.
    await client.messages.create({
      ...ASK,
      messages: [
        ...ASK.messages,
        { role: 'assistant', content: seen.content },
        { role: 'user', content: 'Sure?' },
      ],
    });
    expect(router.requests.at(-1)?.messages[1]).toEqual({ role: 'assistant', content: 'Yes' });
  });

  it.each([false, true])('calls a tool and gives back its result (stream: %s)', async (stream) => {
    const { client, router } = await withClient();
    router.script = ({ messages }) =>
      messages.length === 1
        ? { steps: [{ text: 'Let me see.' }, { call: CALL }] }
        : { steps: [{ text: messages.findLast(({ role }) => role === 'tool')?.content ?? '' }] };
    const ask = { ...ASK, tools: [WEATHER], tool_choice: { type: 'any' as const } };
    const first = stream
      ? await client.messages.stream(ask).finalMessage()
      : await client.messages.create(ask);
    expect(first.stop_reason).toBe('tool_use');
    expect(first.content).toMatchObject([
      { type: 'text', text: 'Let me see.' },
      { type: 'tool_use', id: 'call_1', name: 'weather', input: { city: 'Bern' } },
    ]);
    const second = await client.messages.create({
      ...ask,
      messages: [
        ...ASK.messages,
        { role: 'assistant', content: first.content },
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 'call_1',
              content: [{ type: 'text', text: 'sunny' }],
            },
            { type: 'text', text: 'And now?' },
          ],
        },
      ],
    });
    expect(second.content).toMatchObject([{ type: 'text', text: 'sunny' }]);
    expect(router.requests[1]).toMatchObject({
      tools: [{ name: 'weather', parameters: WEATHER.input_schema }],
      toolChoice: 'required',
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: 'Let me see.', toolCalls: [CALL] },
        { role: 'tool', content: 'sunny', toolCallId: 'call_1' },
        { role: 'user', content: 'And now?' },
      ],
    });
  });

  it('counts tokens and lists models', async () => {
    const { client } = await withClient();
    const { model, messages } = ASK;
    expect(await client.messages.countTokens({ model, messages })).toEqual({ input_tokens: 42 });
    const models = await collect(client.models.list());
    expect(models.map(({ id }) => id)).toEqual(['auto', TARGET, 'anthropic:claude-sonnet-5-5']);
  });

  it('hears of a stream that breaks after it began', async () => {
    const { client, router } = await withClient();
    const error = new ProviderFailure('overloaded', 'Too much to do.');
    router.script = { steps: [{ text: 'Hel' }, { error }] };
    const read = collect(client.messages.stream(ASK));
    await expect(read).rejects.toMatchObject({
      error: { error: { type: 'overloaded_error', code: 'provider.overloaded' } },
    });
  });

  it('hears of what it has wrong', async () => {
    const { client } = await withClient();
    const older = { top_k: 5 };
    const wrong = client.messages.create({ ...ASK, ...older, max_tokens: 0 });
    await expect(wrong).rejects.toMatchObject({
      status: 400,
      type: 'invalid_request_error',
      message: expect.stringMatching(/max_tokens: .*top_k: is not supported/),
    });
  });
});
