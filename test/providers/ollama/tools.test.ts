import { describe, expect, it } from 'vitest';
import type { CompletionRequest } from '../../../src/core/request.ts';
import { createOllamaProvider } from '../../../src/providers/ollama/ollama-provider.ts';
import { CONVERSATION, FUNCTIONS } from '../http/conversation.ts';
import {
  deadlines,
  json,
  lines,
  opened,
  startLoopback,
  systemClock,
  type Loopback,
} from '../http/loopback.ts';

const whole = lines('application/x-ndjson', [
  '{"message":{"content":"a"},"done":true,"done_reason":"stop"}\n',
]);

async function start(capabilities: string[] = ['completion', 'tools']): Promise<Loopback> {
  return startLoopback({
    '/api/chat': whole,
    '/api/show': json({ capabilities }),
    '/api/version': json({ version: '0.12.0' }),
    '/api/ps': json({ models: [] }),
  });
}

async function send({ url }: Loopback, request: CompletionRequest): Promise<unknown> {
  const options = { id: 'ollama:m', model: 'm', url, deadlines, clock: systemClock };
  return opened(createOllamaProvider(options)).complete(request);
}

async function sent(request: CompletionRequest): Promise<unknown> {
  const server = await start();
  await send(server, request);
  return server.bodiesOf('/api/chat')[0];
}

describe('a conversation with tools', () => {
  it('is sent in the words of Ollama', async () => {
    const body = await sent(CONVERSATION);
    expect(body).toMatchObject({
      messages: [
        { role: 'system', content: 'You run tests.' },
        { role: 'user', content: 'Run a and b.' },
        {
          role: 'assistant',
          content: '',
          tool_calls: [
            { id: 'call_1', function: { name: 'run_test', arguments: { file: 'a' } } },
            {
              id: 'call_2',
              function: { name: 'run_test', arguments: { INVALID_JSON: 'file b' } },
            },
          ],
        },
        { role: 'tool', content: 'passed', tool_call_id: 'call_1', tool_name: 'run_test' },
        { role: 'tool', content: 'failed', tool_call_id: 'call_2', tool_name: 'run_test' },
        { role: 'user', content: 'Again.' },
      ],
      tools: FUNCTIONS,
      options: { top_p: 0.5, stop: ['END'] },
    });
    expect(body).not.toHaveProperty('tool_choice');
  });

  it('offers no tools where none may be called', async () => {
    expect(await sent({ ...CONVERSATION, toolChoice: 'none' })).not.toHaveProperty('tools');
  });

  it('is held to JSON or to a schema', async () => {
    const json5 = { ...CONVERSATION, responseFormat: { type: 'json' as const } };
    expect(await sent(json5)).toMatchObject({ format: 'json' });
    const schema = { type: 'object' };
    const format = { type: 'json-schema' as const, name: 'verdict', schema };
    expect(await sent({ ...CONVERSATION, responseFormat: format })).toMatchObject({
      format: schema,
    });
  });

  it('is left to another server where a tool must be called, or the model takes none', async () => {
    const able = await start();
    const must = send(able, { ...CONVERSATION, toolChoice: 'required' });
    await expect(must).rejects.toMatchObject({ failure: 'unsupported' });
    const unable = await start(['completion']);
    await expect(send(unable, CONVERSATION)).rejects.toMatchObject({ failure: 'unsupported' });
    expect([...able.asked, ...unable.asked]).not.toContain('POST /api/chat');
  });
});
