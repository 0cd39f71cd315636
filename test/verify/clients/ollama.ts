import { Ollama, type ChatResponse } from 'ollama';
import {
  expect,
  fails,
  FEW_TOKENS,
  judgeCalls,
  QUESTION,
  TOOL,
  TOOL_TOKENS,
  type Case,
  type Subject,
} from './case.ts';

const clientOf = ({ url }: Subject): Ollama => new Ollama({ host: url });

const messages = [{ role: 'user', content: QUESTION }];
const few = { num_predict: FEW_TOKENS, temperature: 0, seed: 1 };

const tools = [
  {
    type: 'function',
    function: {
      ...TOOL,
      parameters: {
        ...TOOL.parameters,
        required: ['city'],
        properties: { city: { type: 'string' } },
      },
    },
  },
];

const toolRequest = ({ model }: Subject) => ({
  model,
  messages: [{ role: 'user', content: 'What is the weather in Paris? Use the tool.' }],
  tools,
  options: { ...few, num_predict: TOOL_TOKENS },
});

/** Its API has no choice of tools: the model is asked, whatever server it runs on. */
function judgeTools(subject: Subject, { message }: Pick<ChatResponse, 'message'>): string {
  const calls = (message.tool_calls ?? []).map(({ function: call }) => call);
  return judgeCalls({ ...subject, holdsToTools: false }, calls, message.content);
}

/** What Ollama's own client is to get. */
export const OLLAMA_CASES: readonly Case[] = [
  {
    name: 'list, show and version',
    async run(subject) {
      const client = clientOf(subject);
      const { models } = await client.list();
      const names = models.map(({ name }) => name);
      expect(names.includes(subject.model), names.join(', '));
      const shown = await client.show({ model: subject.model });
      expect(typeof shown.details === 'object', JSON.stringify(shown));
      const { version } = await client.version();
      expect(/^\d+\.\d+/.test(version), version);
      return names.join(', ');
    },
  },
  {
    name: 'chat',
    async run(subject) {
      const answer = await clientOf(subject).chat({ model: 'auto', messages, options: few });
      expect(answer.message.content !== '' && answer.done, JSON.stringify(answer));
      expect(answer.eval_count > 0, JSON.stringify(answer));
    },
  },
  {
    name: 'chat, streamed',
    async run(subject) {
      const stream = await clientOf(subject).chat({
        model: 'auto',
        messages,
        options: few,
        stream: true,
      });
      let text = '';
      let last: ChatResponse | undefined;
      for await (const part of stream) {
        text += part.message.content;
        last = part;
      }
      expect(text !== '' && last?.done === true, `${text} ${JSON.stringify(last)}`);
      expect(last.eval_count > 0, JSON.stringify(last));
    },
  },
  {
    name: 'generate',
    async run(subject) {
      const { response, done } = await clientOf(subject).generate({
        model: 'auto',
        prompt: QUESTION,
        options: few,
      });
      expect(!!response && done, `it said ${response}`);
    },
  },
  {
    name: 'generate, streamed',
    async run(subject) {
      const stream = await clientOf(subject).generate({
        model: 'auto',
        prompt: QUESTION,
        options: few,
        stream: true,
      });
      let text = '';
      let isDone = false;
      for await (const { response, done } of stream) {
        text += response;
        isDone = done;
      }
      expect(text !== '' && isDone, text);
    },
  },
  {
    name: 'tools',
    run: async (subject) =>
      judgeTools(subject, await clientOf(subject).chat({ ...toolRequest(subject), stream: false })),
  },
  {
    name: 'tools, streamed',
    async run(subject) {
      const stream = await clientOf(subject).chat({ ...toolRequest(subject), stream: true });
      const whole: ChatResponse['message'] = { role: 'assistant', content: '', tool_calls: [] };
      for await (const { message } of stream) {
        whole.content += message.content;
        whole.tool_calls?.push(...(message.tool_calls ?? []));
      }
      return judgeTools(subject, { message: whole });
    },
  },
  {
    name: 'embed',
    async run(subject) {
      const ask = (): Promise<{ embeddings: number[][] }> =>
        clientOf(subject).embed({ model: subject.model, input: ['one', 'two'] });
      if (!subject.embeds) {
        await fails(ask, (error) => error instanceof Error && error.name === 'ResponseError');
        return 'said to have none';
      }
      const { embeddings } = await ask();
      const [one, two] = embeddings;
      expect(one !== undefined && one.length > 8, `${one?.length} numbers`);
      expect(one.length === two?.length, 'not two vectors');
      return `${one.length} numbers`;
    },
  },
  {
    name: 'an unknown model',
    run: (subject) =>
      fails(
        () => clientOf(subject).chat({ model: 'none', messages }),
        (error) => error instanceof Error && 'status_code' in error && error.status_code === 404,
      ),
  },
];
