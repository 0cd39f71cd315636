import OpenAI from 'openai';
import { describe, expect, it } from 'vitest';
import { ProviderFailure } from '../../src/providers/failure.ts';
import { TARGET } from './scripted-router.ts';
import { collect, withGateway } from './with-gateway.ts';

const ASK = { model: 'auto', messages: [{ role: 'user' as const, content: 'Hi' }] };
const WEATHER = {
  type: 'function' as const,
  function: {
    name: 'weather',
    description: 'Tells the weather.',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  },
};
const CALL = { id: 'call_1', name: 'weather', arguments: '{"city":"Bern"}' };

describe('the official client of OpenAI', () => {
  it('gets an answer in one piece', async () => {
    const { url, router } = await withGateway();
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any' });
    const { data, response } = await client.chat.completions.create(ASK).withResponse();
    expect(data).toMatchObject({
      id: 'chatcmpl-r1',
      object: 'chat.completion',
      model: TARGET,
      choices: [{ message: { role: 'assistant', content: 'Hello there' }, finish_reason: 'stop' }],
      usage: { prompt_tokens: 12, completion_tokens: 5, total_tokens: 17 },
    });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-aqe-tier': 'direct',
      'x-aqe-model': TARGET,
      'x-aqe-policy': 'strategy',
      'x-aqe-request-id': 'r1',
      'x-aqe-overhead-ms': '0.250',
    });
    expect(router.requests).toEqual([
      { source: 'openai', model: 'auto', messages: [{ role: 'user', content: 'Hi' }] },
    ]);
  });

  it('gets a stream, with the tokens where it asks for them', async () => {
    const { url } = await withGateway();
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any' });
    const stream = await client.chat.completions.create({
      ...ASK,
      stream: true,
      stream_options: { include_usage: true },
    });
    const chunks = await collect(stream);
    expect(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
      'Hello there',
    );
    expect(chunks.at(-2)?.choices[0]?.finish_reason).toBe('stop');
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { total_tokens: 17 } });
  });

  it.each([false, true])('calls a tool and gives back its result (stream: %s)', async (stream) => {
    const { url, router } = await withGateway();
    router.script = ({ messages }) =>
      messages.length === 1
        ? { steps: [{ call: CALL }] }
        : { steps: [{ text: messages.at(-1)?.content ?? '' }] };
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any' });
    const ask = { ...ASK, tools: [WEATHER], tool_choice: 'required' as const };
    const first = stream
      ? await client.chat.completions.stream(ask).finalChatCompletion()
      : await client.chat.completions.create(ask);
    const [choice] = first.choices;
    expect(choice?.finish_reason).toBe('tool_calls');
    expect(choice?.message.tool_calls).toMatchObject([
      { id: 'call_1', type: 'function', function: { name: 'weather', arguments: CALL.arguments } },
    ]);
    const second = await client.chat.completions.create({
      ...ask,
      messages: [
        ...ASK.messages,
        ...(choice === undefined ? [] : [choice.message]),
        { role: 'tool', tool_call_id: 'call_1', content: 'sunny' },
      ],
    });
    expect(second.choices[0]?.message.content).toBe('sunny');
    expect(router.requests[1]).toMatchObject({
      tools: [{ name: 'weather', description: 'Tells the weather.' }],
      toolChoice: 'required',
      messages: [
        { role: 'user', content: 'Hi' },
        { role: 'assistant', content: '', toolCalls: [CALL] },
        { role: 'tool', content: 'sunny', toolCallId: 'call_1' },
      ],
    });
  });

  it('lists the models once each, and auto', async () => {
    const { url } = await withGateway();
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any' });
    const models = await collect(client.models.list());
    expect(models.map(({ id }) => id)).toEqual(['auto', TARGET, 'anthropic:claude-sonnet-5-5']);
    expect(await client.models.retrieve(TARGET)).toMatchObject({ id: TARGET, object: 'model' });
    await expect(client.models.retrieve('none')).rejects.toMatchObject({ status: 404 });
  });

  it('hears of a stream that breaks after it began', async () => {
    const { url, router, log } = await withGateway();
    const error = new ProviderFailure('truncated-stream', 'The stream has no end.');
    router.script = { steps: [{ text: 'Hel' }, { error }] };
    const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: 'any' });
    const stream = await client.chat.completions.create({ ...ASK, stream: true });
    let text = '';
    const read = async (): Promise<void> => {
      for await (const chunk of stream) text += chunk.choices[0]?.delta.content ?? '';
    };
    await expect(read()).rejects.toMatchObject({ code: 'provider.truncated-stream' });
    expect(text).toBe('Hel');
    await expect
      .poll(() => log)
      .toMatchObject([{ status: 200, error: 'provider.truncated-stream' }]);
  });
});
