import Anthropic from '@anthropic-ai/sdk';
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

const clientOf = ({ url }: Subject): Anthropic =>
  new Anthropic({ baseURL: url, apiKey: 'none', maxRetries: 0 });

const messages = [{ role: 'user' as const, content: QUESTION }];
const few = { max_tokens: FEW_TOKENS };

const tools = [
  {
    name: TOOL.name,
    description: TOOL.description,
    input_schema: { ...TOOL.parameters, required: [...TOOL.parameters.required] },
  },
];

/** Ollama knows no choice of tools: there the model is asked. */
function toolRequest({ model, server }: Subject): Anthropic.MessageCreateParamsNonStreaming {
  return {
    model,
    max_tokens: TOOL_TOKENS,
    messages: [{ role: 'user', content: 'What is the weather in Paris? Use the tool.' }],
    tools,
    tool_choice: server === 'Ollama' ? { type: 'auto' } : { type: 'tool', name: TOOL.name },
  };
}

function judgeMessage({ content, usage, stop_reason: reason, role }: Anthropic.Message): void {
  const [first] = content;
  expect(first?.type === 'text' && first.text !== '', JSON.stringify(content));
  expect(usage.output_tokens > 0 && usage.input_tokens > 0, JSON.stringify(usage));
  expect(reason === 'end_turn' || reason === 'max_tokens', `it ended because of ${reason}`);
  expect(role === 'assistant', role);
}

function judgeTools(subject: Subject, { content }: Anthropic.Message): string {
  const calls = content.flatMap((block) =>
    block.type === 'tool_use' ? [{ name: block.name, arguments: block.input }] : [],
  );
  const text = content.map((block) => (block.type === 'text' ? block.text : '')).join('');
  return judgeCalls(subject, calls, text);
}

/** What Anthropic's own client is to get. */
export const ANTHROPIC_CASES: readonly Case[] = [
  {
    name: 'models',
    async run(subject) {
      const ids: string[] = [];
      for await (const { id } of clientOf(subject).models.list()) ids.push(id);
      expect(ids.includes('auto') && ids.includes(subject.model), ids.join(', '));
    },
  },
  {
    name: 'message',
    async run(subject) {
      const { data, response } = await clientOf(subject)
        .messages.create({ ...few, model: 'auto', system: 'Be brief.', messages })
        .withResponse();
      judgeHeaders(response.headers, subject);
      judgeMessage(data);
    },
  },
  {
    name: 'message, streamed',
    async run(subject) {
      const stream = clientOf(subject).messages.stream({ ...few, model: 'auto', messages });
      let text = '';
      stream.on('text', (piece) => (text += piece));
      const message = await stream.finalMessage();
      judgeMessage(message);
      const [first] = message.content;
      expect(first?.type === 'text' && first.text === text, `${text} is not what came last`);
    },
  },
  {
    name: 'tools',
    run: async (subject) =>
      judgeTools(subject, await clientOf(subject).messages.create(toolRequest(subject))),
  },
  {
    name: 'tools, streamed',
    run: async (subject) =>
      judgeTools(
        subject,
        await clientOf(subject).messages.stream(toolRequest(subject)).finalMessage(),
      ),
  },
  {
    name: "a tool's result",
    async run(subject) {
      const message = await clientOf(subject).messages.create({
        ...few,
        model: subject.model,
        tools,
        messages: [
          { role: 'user', content: 'What is the weather in Paris?' },
          {
            role: 'assistant',
            content: [
              { type: 'tool_use', id: 'toolu_1', name: TOOL.name, input: { city: 'Paris' } },
            ],
          },
          {
            role: 'user',
            content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'It rains.' }],
          },
        ],
      });
      return judgeTools({ ...subject, holdsToTools: false }, message);
    },
  },
  {
    name: 'count_tokens',
    async run(subject) {
      const count = async (content: string): Promise<number> => {
        const { input_tokens: tokens } = await clientOf(subject).messages.countTokens({
          model: subject.model,
          messages: [{ role: 'user', content }],
        });
        return tokens;
      };
      const [short, long] = [await count('Hello.'), await count('Hello. '.repeat(100))];
      expect(short > 0 && long > short, `${short} and ${long}`);
      return `${short} and ${long}`;
    },
  },
  {
    name: 'an unknown model',
    run: (subject) =>
      fails(
        () => clientOf(subject).messages.create({ ...few, model: 'none', messages }),
        (error) => error instanceof Anthropic.NotFoundError,
      ),
  },
];
