import { describe, expect, it } from 'vitest';
import type { CompletionRequest } from '../../../src/core/request.ts';
import { createOpenAiCompatibleProvider } from '../../../src/providers/openai-compatible/openai-compatible-provider.ts';
import { CONVERSATION, FUNCTIONS } from '../http/conversation.ts';
import {
  deadlines,
  json,
  lines,
  opened,
  requestOf,
  startLoopback,
  systemClock,
} from '../http/loopback.ts';

const CHAT = '/v1/chat/completions';
const whole = lines('text/event-stream', [
  `data: ${JSON.stringify({ choices: [{ delta: { content: 'a' }, finish_reason: 'stop' }] })}\n\n`,
]);

async function sent(request: CompletionRequest, owner = 'vllm'): Promise<unknown> {
  const server = await startLoopback({
    [CHAT]: whole,
    '/v1/models': json({ data: [{ id: 'm', owned_by: owner }] }),
  });
  const { url } = server;
  const options = { id: 'vllm:m', model: 'm', url, deadlines, clock: systemClock };
  await opened(createOpenAiCompatibleProvider(options)).complete(request);
  return server.bodiesOf(CHAT)[0];
}

describe('a conversation with tools', () => {
  it('is sent in the words of OpenAI', async () => {
    expect(await sent(CONVERSATION)).toMatchObject({
      messages: [
        { role: 'system', content: 'You run tests.' },
        { role: 'user', content: 'Run a and b.' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            {
              id: 'call_1',
              type: 'function',
              function: { name: 'run_test', arguments: '{"file":"a"}' },
            },
            { id: 'call_2', type: 'function', function: { name: 'run_test', arguments: 'file b' } },
          ],
        },
        { role: 'tool', content: 'passed', tool_call_id: 'call_1' },
        { role: 'tool', content: 'failed', tool_call_id: 'call_2' },
        { role: 'user', content: 'Again.' },
      ],
      tools: FUNCTIONS,
      tool_choice: 'auto',
      top_p: 0.5,
      stop: ['END'],
    });
  });

  it('names the tool that must be called, and to llama-server offers no other', async () => {
    const request = { ...CONVERSATION, toolChoice: { name: 'list_tests' } };
    expect(await sent(request)).toMatchObject({
      tools: FUNCTIONS,
      tool_choice: { type: 'function', function: { name: 'list_tests' } },
    });
    expect(await sent(request, 'llamacpp')).toMatchObject({
      tools: FUNCTIONS?.slice(1),
      tool_choice: 'required',
    });
  });

  it('is held to JSON or to a schema', async () => {
    const plain = requestOf('hi');
    expect(await sent({ ...plain, responseFormat: { type: 'json' } })).toMatchObject({
      response_format: { type: 'json_object' },
    });
    const schema = { type: 'object', properties: { ok: { type: 'boolean' } } };
    const format = { type: 'json-schema' as const, name: 'verdict', schema };
    const body = await sent({ ...plain, responseFormat: format });
    expect(body).toMatchObject({
      response_format: {
        type: 'json_schema',
        json_schema: { name: 'verdict', schema, strict: true },
      },
    });
    expect(body).not.toHaveProperty('tools');
    expect(body).not.toHaveProperty('tool_choice');
  });
});
