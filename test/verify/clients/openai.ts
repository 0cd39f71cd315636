import OpenAI from 'openai';
import type { ChatCompletionCreateParamsBase } from 'openai/resources/chat/completions';
import {
  expect,
  fails,
  FEW_TOKENS,
  judgeCalls,
  judgeHeaders,
  QUESTION,
  TOOL,
  TOOL_TOKENS,
  type Case,
  type Subject,
} from './case.ts';

const clientOf = ({ url }: Subject): OpenAI =>
  new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 });

const few = { max_tokens: FEW_TOKENS, temperature: 0, seed: 1 };
const asked = [{ role: 'user' as const, content: QUESTION }];

const tools = [
  { type: 'function' as const, function: { ...TOOL, parameters: { ...TOOL.parameters } } },
];
/** vLLM holds the arguments to their schema where it is told to. */
const strictTools = tools.map((tool) => ({
  ...tool,
  function: { ...tool.function, strict: true },
}));

type ToolRequest = Pick<
  ChatCompletionCreateParamsBase,
  'messages' | 'tools' | 'tool_choice' | 'max_tokens' | 'temperature' | 'seed' | 'model'
>;

/** Ollama knows no choice of tools: there the model is asked. */
function toolRequest({ model, server, holdsToTools }: Subject): ToolRequest {
  const named = { type: 'function' as const, function: { name: TOOL.name } };
  return {
    ...few,
    model,
    max_tokens: TOOL_TOKENS,
    messages: [{ role: 'user', content: 'What is the weather in Paris? Use the tool.' }],
    tools: holdsToTools ? strictTools : tools,
    tool_choice: server === 'Ollama' ? 'auto' : named,
  };
}

/** What OpenAI's own client is to get. */
export const OPENAI_CASES: readonly Case[] = [
  {
    name: 'models: auto and what the tiers have',
    async run(subject) {
      const ids: string[] = [];
      for await (const { id } of clientOf(subject).models.list()) ids.push(id);
      expect(ids.includes('auto') && ids.includes(subject.model), ids.join(', '));
      const { id } = await clientOf(subject).models.retrieve(subject.model);
      expect(id === subject.model, id);
      return ids.join(', ');
    },
  },
  {
    name: 'chat',
    async run(subject) {
      const { data, response } = await clientOf(subject)
        .chat.completions.create({ ...few, model: 'auto', messages: asked })
        .withResponse();
      judgeHeaders(response.headers, subject);
      const { message, finish_reason: reason } = data.choices[0] ?? {};
      expect(!!message?.content, JSON.stringify(data));
      expect(reason === 'stop' || reason === 'length', `it ended because of ${reason}`);
      expect((data.usage?.completion_tokens ?? 0) > 0, JSON.stringify(data.usage));
    },
  },
  {
    name: 'chat, streamed',
    async run(subject) {
      const { data, response } = await clientOf(subject)
        .chat.completions.create({
          ...few,
          model: 'auto',
          messages: asked,
          stream: true,
          stream_options: { include_usage: true },
        })
        .withResponse();
      judgeHeaders(response.headers, subject);
      let text = '';
      let reason: string | undefined;
      let tokens = 0;
      for await (const { choices, usage } of data) {
        text += choices[0]?.delta.content ?? '';
        reason = choices[0]?.finish_reason ?? reason;
        tokens = usage?.completion_tokens ?? tokens;
      }
      expect(text !== '' && tokens > 0, `${tokens} tokens: ${text}`);
      expect(reason === 'stop' || reason === 'length', `it ended because of ${reason}`);
    },
  },
  {
    name: 'tools',
    async run(subject) {
      const { choices } = await clientOf(subject).chat.completions.create({
        ...toolRequest(subject),
        stream: false,
      });
      const { content, tool_calls: calls = [] } = choices[0]?.message ?? {};
      return judgeCalls(subject, calls.flatMap(callOf), content ?? '');
    },
  },
  {
    name: 'tools, streamed',
    async run(subject) {
      const runner = clientOf(subject).chat.completions.stream(toolRequest(subject));
      const message = await runner.finalMessage();
      const calls = message.tool_calls ?? [];
      return judgeCalls(subject, calls.flatMap(callOf), message.content ?? '');
    },
  },
  {
    name: "a tool's result",
    async run(subject) {
      const call = {
        id: 'call_1',
        type: 'function' as const,
        function: { name: TOOL.name, arguments: '{"city":"Paris"}' },
      };
      const { choices } = await clientOf(subject).chat.completions.create({
        ...few,
        model: subject.model,
        tools,
        messages: [
          { role: 'user', content: 'What is the weather in Paris?' },
          { role: 'assistant', content: null, tool_calls: [call] },
          { role: 'tool', tool_call_id: call.id, content: 'It rains.' },
        ],
      });
      const { content, tool_calls: calls = [] } = choices[0]?.message ?? {};
      return judgeCalls({ ...subject, holdsToTools: false }, calls.flatMap(callOf), content ?? '');
    },
  },
  {
    name: 'embeddings',
    async run(subject) {
      const ask = (): Promise<OpenAI.CreateEmbeddingResponse> =>
        clientOf(subject).embeddings.create({ model: subject.model, input: ['one', 'two'] });
      if (!subject.embeds) {
        await fails(ask, (error) => error instanceof OpenAI.APIError);
        return 'said to have none';
      }
      const { data } = await ask();
      const [one, two] = data.map(({ embedding }) => embedding);
      expect(one !== undefined && one.length > 8, `${one?.length} numbers`);
      expect(one.length === two?.length && one.every(Number.isFinite), 'not two vectors');
      return `${one.length} numbers`;
    },
  },
  {
    name: 'an unknown model',
    run: (subject) =>
      fails(
        () => clientOf(subject).chat.completions.create({ model: 'none', messages: asked }),
        (error) => error instanceof OpenAI.NotFoundError && error.code === 'model_not_found',
      ),
  },
];

function callOf(
  call: OpenAI.Chat.Completions.ChatCompletionMessageToolCall,
): { name: string; arguments: unknown }[] {
  if (call.type !== 'function') return [];
  return [{ name: call.function.name, arguments: JSON.parse(call.function.arguments) }];
}
