import type { CompletionRequest } from '../../../src/core/request.ts';

/** A request in the middle of a conversation with tools: two calls, their results, and the next word. */
export const CONVERSATION: CompletionRequest = {
  messages: [
    { role: 'system', content: 'You run tests.' },
    { role: 'user', content: 'Run a and b.' },
    {
      role: 'assistant',
      content: '',
      toolCalls: [
        { id: 'call_1', name: 'run_test', arguments: '{"file":"a"}' },
        { id: 'call_2', name: 'run_test', arguments: 'file b' },
      ],
    },
    { role: 'tool', content: 'passed', toolCallId: 'call_1' },
    { role: 'tool', content: 'failed', toolCallId: 'call_2' },
    { role: 'user', content: 'Again.' },
  ],
  maxTokens: 8,
  temperature: 0,
  seed: 1,
  repeat: 0,
  topP: 0.5,
  stop: ['END'],
  tools: [
    {
      name: 'run_test',
      description: 'Runs one test file',
      parameters: { type: 'object', properties: { file: { type: 'string' } }, required: ['file'] },
    },
    { name: 'list_tests', parameters: { type: 'object', properties: {} } },
  ],
  toolChoice: 'auto',
};

/** The same tools as OpenAI and Ollama write them. */
export const FUNCTIONS = CONVERSATION.tools?.map((tool) => ({ type: 'function', function: tool }));
