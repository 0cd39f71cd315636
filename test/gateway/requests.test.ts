import { describe, expect, it } from 'vitest';
import { withGateway } from './with-gateway.ts';

const HI = [{ role: 'user', content: 'Hi' }];
const OPENAI = '/v1/chat/completions';
const ANTHROPIC = '/v1/messages';
const CHAT = '/api/chat';
const GENERATE = '/api/generate';

/** What the router cannot keep, by address: the field it is refused under, and the body. */
const REFUSED: readonly [string, string, object][] = [
  [OPENAI, 'n', { messages: HI, n: 2 }],
  [OPENAI, 'logprobs', { messages: HI, logprobs: true }],
  [OPENAI, 'logit_bias', { messages: HI, logit_bias: { 1: 5 } }],
  [OPENAI, 'frequency_penalty', { messages: HI, frequency_penalty: 0.5 }],
  [OPENAI, 'parallel_tool_calls', { messages: HI, parallel_tool_calls: false }],
  [OPENAI, 'functions', { messages: HI, functions: [{ name: 'f' }] }],
  [OPENAI, 'modalities', { messages: HI, modalities: ['text', 'audio'] }],
  [
    OPENAI,
    'messages.0.content.1.type',
    {
      messages: [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: 'data:image/png;base64,AA==' } },
          ],
        },
      ],
    },
  ],
  [ANTHROPIC, 'top_k', { model: 'auto', max_tokens: 1, messages: HI, top_k: 3 }],
  [
    ANTHROPIC,
    'tools.0.type',
    {
      model: 'auto',
      max_tokens: 1,
      messages: HI,
      tools: [{ type: 'web_search_20250305', name: 'web_search' }],
    },
  ],
  [
    ANTHROPIC,
    'messages.0.content.0.type',
    {
      model: 'auto',
      max_tokens: 1,
      messages: [{ role: 'user', content: [{ type: 'image', source: {} }] }],
    },
  ],
  [CHAT, 'messages.0.images', { model: 'auto', messages: [{ ...HI[0], images: ['AA=='] }] }],
  [CHAT, 'logprobs', { model: 'auto', messages: HI, logprobs: true }],
  [GENERATE, 'raw', { model: 'auto', prompt: 'Hi', raw: true }],
  [GENERATE, 'suffix', { model: 'auto', prompt: 'Hi', suffix: 'end' }],
  [GENERATE, 'context', { model: 'auto', prompt: 'Hi', context: [1, 2] }],
  ['/v1/embeddings', 'dimensions', { model: 'auto', input: 'a', dimensions: 8 }],
  ['/v1/embeddings', 'input', { model: 'auto', input: [1, 2, 3] }],
];

/** What harms nobody when it is read over. */
const READ_OVER: readonly [string, object][] = [
  [
    OPENAI,
    {
      messages: HI,
      user: 'me',
      store: true,
      service_tier: 'auto',
      reasoning_effort: 'low',
      metadata: { trace: '1' },
      n: 1,
      logprobs: null,
      frequency_penalty: 0,
      parallel_tool_calls: true,
      tools: [],
      stop: null,
    },
  ],
  [
    ANTHROPIC,
    {
      model: 'auto',
      max_tokens: 1,
      messages: HI,
      service_tier: 'auto',
      metadata: { user_id: 'me' },
      thinking: { type: 'disabled' },
    },
  ],
  [CHAT, { model: 'auto', messages: HI, keep_alive: '5m', options: { num_ctx: 8, mirostat: 1 } }],
  [GENERATE, { model: 'auto', prompt: 'Hi', images: [], context: [], keep_alive: 0 }],
];

describe('a request', () => {
  it.each(REFUSED)('at %s is refused for its %s', async (path, field, body) => {
    const { post, router } = await withGateway();
    const answer = await post(path, body);
    expect([answer.status, await answer.text()]).toEqual([
      400,
      expect.stringContaining(`${field}: `),
    ]);
    expect(router.requests).toEqual([]);
  });

  it.each(READ_OVER)('at %s may hold what harms nobody', async (path, body) => {
    const { post, router } = await withGateway();
    expect((await post(path, body)).status).toBe(200);
    expect(Object.keys(router.requests[0] ?? {}).filter((key) => key !== 'maxTokens')).toEqual([
      'source',
      'model',
      'messages',
    ]);
  });

  it('keeps every part of a prompt of OpenAI', async () => {
    const { post, router } = await withGateway();
    const schema = { type: 'object', properties: { a: { type: 'string' } } };
    const answer = await post(OPENAI, {
      model: 'stub:small:1b',
      messages: [
        { role: 'developer', content: 'Be kind.' },
        {
          role: 'user',
          name: 'somebody',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
        { role: 'assistant', content: null, refusal: null, tool_calls: [] },
      ],
      max_tokens: 5,
      max_completion_tokens: 7,
      temperature: 0,
      top_p: 0.9,
      seed: 3,
      stop: 'END',
      tools: [{ type: 'function', function: { name: 'f', strict: true } }],
      tool_choice: { type: 'function', function: { name: 'f' } },
      response_format: { type: 'json_schema', json_schema: { name: 's', strict: true, schema } },
    });
    expect(answer.status).toBe(200);
    expect(router.requests).toEqual([
      {
        source: 'openai',
        model: 'stub:small:1b',
        messages: [
          { role: 'system', content: 'Be kind.' },
          { role: 'user', content: 'a\nb' },
          { role: 'assistant', content: '' },
        ],
        maxTokens: 7,
        temperature: 0,
        topP: 0.9,
        seed: 3,
        stop: ['END'],
        tools: [{ name: 'f', parameters: { type: 'object', properties: {} }, strict: true }],
        toolChoice: { name: 'f' },
        responseFormat: { type: 'json-schema', name: 's', schema },
      },
    ]);
  });

  it('tells Anthropic’s failed tools in words', async () => {
    const { post, router } = await withGateway();
    await post(ANTHROPIC, {
      model: 'auto',
      max_tokens: 1,
      messages: [
        ...HI,
        { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: {} }] },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 't', is_error: true, content: 'no file' }],
        },
      ],
    });
    expect(router.requests[0]?.messages.at(-1)).toEqual({
      role: 'tool',
      content: 'Error: no file',
      toolCallId: 't',
    });
  });

  it('embeds as floats or in base 64', async () => {
    const { post } = await withGateway();
    const ask = { model: 'auto', input: ['ab', 'c'] };
    const floats: unknown = await (await post('/v1/embeddings', ask)).json();
    expect(floats).toMatchObject({
      object: 'list',
      data: [
        { object: 'embedding', index: 0, embedding: [2, 0.5] },
        { object: 'embedding', index: 1, embedding: [1, 0.5] },
      ],
      usage: { prompt_tokens: 2, total_tokens: 2 },
    });
    const coded = await post('/v1/embeddings', { ...ask, encoding_format: 'base64' });
    const embedding = Buffer.from(new Float32Array([2, 0.5]).buffer).toString('base64');
    expect(await coded.json()).toMatchObject({ data: [{ embedding }, {}] });
  });
});
