import { Ollama } from 'ollama';
import { describe, expect, it } from 'vitest';
import { ProviderFailure } from '../../src/providers/failure.ts';
import { TARGET } from './scripted-router.ts';
import { collect, withGateway, type TestGateway } from './with-gateway.ts';

const ASK = { model: 'auto', messages: [{ role: 'user', content: 'Hi' }] };
const WEATHER = {
  type: 'function',
  function: {
    name: 'weather',
    description: 'Tells the weather.',
    parameters: { type: 'object', properties: { city: { type: 'string' } } },
  },
};
const CALL = { id: 'call_1', name: 'weather', arguments: '{"city":"Bern"}' };

async function withClient(): Promise<TestGateway & { client: Ollama }> {
  const test = await withGateway();
  return { ...test, client: new Ollama({ host: test.url }) };
}

describe('the official client of Ollama', () => {
  it('chats in one piece', async () => {
    const { client, router } = await withClient();
    const answer = await client.chat({
      ...ASK,
      format: 'json',
      options: { temperature: 0, num_predict: 9, num_ctx: 4096, stop: ['END'], top_k: 3 },
    });
    expect(answer).toMatchObject({
      model: TARGET,
      message: { role: 'assistant', content: 'Hello there' },
      done: true,
      done_reason: 'stop',
      load_duration: 0,
      prompt_eval_count: 12,
      prompt_eval_duration: 3e6,
      eval_count: 5,
      eval_duration: 7e6,
    });
    expect(router.requests).toEqual([
      {
        source: 'ollama',
        model: 'auto',
        messages: [{ role: 'user', content: 'Hi' }],
        maxTokens: 9,
        temperature: 0,
        stop: ['END'],
        responseFormat: { type: 'json' },
      },
    ]);
  });

  it('chats in a stream, with what the model thinks unless it is refused', async () => {
    const { client, router } = await withClient();
    router.script = { steps: [{ thinking: 'Hm.' }, { text: 'Y' }, { text: 'es' }] };
    const read = async (think: boolean): Promise<string[]> => {
      const parts = await collect(await client.chat({ ...ASK, stream: true, think }));
      expect(parts.at(-1)).toMatchObject({ done: true, done_reason: 'stop', eval_count: 5 });
      return parts.map(({ message }) => message.thinking ?? message.content);
    };
    expect(await read(true)).toEqual(['Hm.', 'Y', 'es', '']);
    expect(await read(false)).toEqual(['Y', 'es', '']);
  });

  it('generates', async () => {
    const { client, router } = await withClient();
    const ask = { model: TARGET, prompt: 'Hi', system: 'Be kind.' };
    expect(await client.generate(ask)).toMatchObject({ response: 'Hello there', done: true });
    const parts = await collect(await client.generate({ ...ask, stream: true }));
    expect(parts.map(({ response }) => response).join('')).toBe('Hello there');
    expect(router.requests[0]?.messages).toEqual([
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Hi' },
    ]);
  });

  it('calls a tool and gives back its result', async () => {
    const { client, router } = await withClient();
    router.script = ({ messages }) =>
      messages.length === 1
        ? { steps: [{ call: CALL }] }
        : { steps: [{ text: messages.at(-1)?.content ?? '' }] };
    const whole = await client.chat({ ...ASK, tools: [WEATHER] });
    const parts = await collect(await client.chat({ ...ASK, tools: [WEATHER], stream: true }));
    const expected = [{ id: 'call_1', function: { name: 'weather', arguments: { city: 'Bern' } } }];
    expect(whole.message.tool_calls).toEqual(expected);
    expect(parts.flatMap(({ message }) => message.tool_calls ?? [])).toEqual(expected);
    const second = await client.chat({
      ...ASK,
      messages: [
        ...ASK.messages,
        // As clients before 0.12 send it, without ids.
        {
          role: 'assistant',
          content: '',
          tool_calls: [{ function: { name: 'weather', arguments: { city: 'Bern' } } }],
        },
        { role: 'tool', tool_name: 'weather', content: 'sunny' },
      ],
    });
    expect(second.message.content).toBe('sunny');
    expect(router.requests.at(-1)?.messages.slice(1)).toEqual([
      { role: 'assistant', content: '', toolCalls: [{ ...CALL, id: 'call_1_0' }] },
      { role: 'tool', content: 'sunny', toolCallId: 'call_1_0' },
    ]);
  });

  it('embeds, lists and shows models, and asks for the version', async () => {
    const { client, url } = await withClient();
    expect(await client.embed({ model: 'auto', input: ['a', 'bcd'] })).toMatchObject({
      model: TARGET,
      embeddings: [
        [1, 0.5],
        [3, 0.5],
      ],
      prompt_eval_count: 2,
    });
    expect(await client.embeddings({ model: 'auto', prompt: 'ab' })).toEqual({
      embedding: [2, 0.5],
    });
    const { models } = await client.list();
    expect(models.map(({ name }) => name)).toEqual(['auto', TARGET, 'anthropic:claude-sonnet-5-5']);
    expect(await client.show({ model: 'small:1b' })).toMatchObject({
      model_info: { 'aqe.context_length': 8192 },
      capabilities: ['completion', 'tools'],
    });
    const version: unknown = await (await fetch(`${url}/api/version`)).json();
    expect(version).toEqual({ version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
  });

  it('may load a model, and hears where there is none', async () => {
    const { client, router } = await withClient();
    expect(await client.generate({ model: 'auto', prompt: '' })).toMatchObject({
      done: true,
      done_reason: 'load',
    });
    expect(router.requests).toEqual([]);
    await expect(client.chat({ model: 'none', messages: [] })).rejects.toMatchObject({
      status_code: 404,
    });
  });

  it('hears of a stream that breaks after it began', async () => {
    const { client, router } = await withClient();
    const error = new ProviderFailure('timeout', 'It took too long.');
    router.script = { steps: [{ text: 'Hel' }, { error }] };
    const parts: string[] = [];
    const read = async (): Promise<void> => {
      for await (const part of await client.chat({ ...ASK, stream: true })) {
        parts.push(part.message.content);
      }
    };
    await expect(read()).rejects.toThrow('It took too long.');
    expect(parts).toEqual(['Hel']);
  });
});
