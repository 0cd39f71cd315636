import { describe, expect, it } from 'vitest';
import type { CompletionRequest } from '../../../src/core/request.ts';
import { completionOf } from '../../../src/providers/anthropic/events.ts';
import { requestBody } from '../../../src/providers/anthropic/request-body.ts';
import { CONVERSATION } from '../http/conversation.ts';

const LONG = 'word '.repeat(1000);
const CACHED = { cache_control: { type: 'ephemeral' } };
const bodyOf = (more: Partial<CompletionRequest> = {}, goesOn = false): unknown =>
  requestBody('claude', { ...CONVERSATION, ...more }, goesOn);

describe('a conversation with tools', () => {
  it('is sent in the words of the Messages API, results of one turn in one message', () => {
    expect(bodyOf()).toMatchObject({
      system: 'You run tests.',
      messages: [
        { role: 'user', content: 'Run a and b.' },
        {
          role: 'assistant',
          content: [
            { type: 'tool_use', id: 'call_1', name: 'run_test', input: { file: 'a' } },
            { type: 'tool_use', id: 'call_2', name: 'run_test', input: { INVALID_JSON: 'file b' } },
          ],
        },
        {
          role: 'user',
          content: [
            { type: 'tool_result', tool_use_id: 'call_1', content: 'passed' },
            { type: 'tool_result', tool_use_id: 'call_2', content: 'failed' },
            { type: 'text', text: 'Again.' },
          ],
        },
      ],
      tools: [
        {
          name: 'run_test',
          description: 'Runs one test file',
          input_schema: { type: 'object', required: ['file'] },
        },
        { name: 'list_tests', input_schema: { type: 'object' } },
      ],
      tool_choice: { type: 'auto' },
      top_p: 0.5,
      stop_sequences: ['END'],
    });
  });

  it.each([
    ['none' as const, { type: 'none' }],
    ['required' as const, { type: 'any' }],
    [{ name: 'run_test' }, { type: 'tool', name: 'run_test' }],
  ])('says %j as %j', (toolChoice, said) => {
    expect(bodyOf({ toolChoice })).toMatchObject({ tool_choice: said });
  });

  it('is held to a schema, and to any JSON by another server', () => {
    const schema = { type: 'object' };
    const format = { type: 'json-schema' as const, name: 'verdict', schema };
    expect(bodyOf({ responseFormat: format })).toMatchObject({
      output_config: { format: { type: 'json_schema', schema } },
    });
    expect(() => bodyOf({ responseFormat: { type: 'json' } })).toThrow(
      expect.objectContaining({ failure: 'unsupported' }),
    );
  });

  it('is cached to its end where it is long, with long tools, and for the first turn of a session alone', () => {
    const messages = CONVERSATION.messages.map((message) =>
      message.role === 'tool' && message.toolCallId === 'call_2'
        ? { ...message, content: LONG }
        : message,
    );
    expect(bodyOf({ messages })).toMatchObject({
      messages: [{}, {}, { content: [{ content: 'passed' }, { content: LONG }, CACHED] }],
    });
    const tools = [{ name: 'a', description: LONG, parameters: {} }];
    expect(bodyOf({ tools })).toMatchObject({ system: [{ text: 'You run tests.', ...CACHED }] });
    const first = { messages: [{ role: 'user' as const, content: LONG }] };
    expect(bodyOf(first)).toMatchObject({ messages: [{ content: LONG }] });
    expect(bodyOf(first, true)).toMatchObject({ messages: [{ content: [CACHED] }] });
  });

  it('comes back from a batch with its calls', () => {
    const content = [
      { type: 'text', text: 'I run it.' },
      { type: 'tool_use', id: 'toolu_1', name: 'run_test', input: { file: 'a' } },
    ];
    const usage = {
      input_tokens: 3,
      output_tokens: 2,
      cache_creation_input_tokens: 5,
      cache_creation: { ephemeral_5m_input_tokens: 1, ephemeral_1h_input_tokens: 4 },
      output_tokens_details: { thinking_tokens: 1 },
    };
    expect(completionOf('claude', { content, stop_reason: 'tool_use', usage })).toMatchObject({
      text: 'I run it.',
      toolCalls: [{ id: 'toolu_1', name: 'run_test', arguments: '{"file":"a"}' }],
      finishReason: 'tool-calls',
      usage: {
        inputTokens: 8,
        outputTokens: 2,
        cacheWriteTokens: 5,
        cacheWriteHourTokens: 4,
        reasoningTokens: 1,
      },
    });
    const nameless = { content: [{ type: 'tool_use', input: {} }], stop_reason: 'tool_use' };
    expect(() => completionOf('claude', nameless)).toThrow('a call has a name and an id');
  });
});
