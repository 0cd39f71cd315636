import { z } from 'zod';

/** How one family of clients asks, and how it is told of errors. */
export interface ClientDialect {
  name: 'openai' | 'anthropic' | 'ollama';
  path: string;
  headers: Readonly<Record<string, string>>;
  /** A request that is right, with changes. */
  body(changes?: object): object;
  /** What an error looks like. */
  error: z.ZodType;
  /** What an answer looks like; its text is taken out. */
  answer: z.ZodType<string>;
  /** Values that are not of a field's type, as changes to a right request. */
  wrong: readonly object[];
}

const messages = [{ role: 'user', content: 'Say this again.' }];

const WRONG_MESSAGES: readonly object[] = [
  { model: 5 },
  { messages: 'hello' },
  { messages: [5] },
  { messages: [{ role: 'wizard', content: 'hello' }] },
  { messages: [{ role: 'user', content: 5 }] },
  { stream: 'yes' },
];

export const CLIENT_DIALECTS: readonly ClientDialect[] = [
  {
    name: 'openai',
    path: '/v1/chat/completions',
    headers: {},
    body: (changes) => ({ model: 'auto', messages, ...changes }),
    error: z.object({
      error: z.object({ message: z.string().min(1), type: z.string().min(1), code: z.string() }),
    }),
    answer: z
      .object({ choices: z.tuple([z.object({ message: z.object({ content: z.string() }) })]) })
      .transform(({ choices: [{ message }] }) => message.content),
    wrong: [
      ...WRONG_MESSAGES,
      { messages: [] },
      { temperature: 'hot' },
      { max_tokens: -1 },
      { tools: 'all' },
      { metadata: { priority: 'now' } },
    ],
  },
  {
    name: 'anthropic',
    path: '/v1/messages',
    headers: { 'anthropic-version': '2023-06-01', 'x-api-key': 'none' },
    body: (changes) => ({ model: 'auto', max_tokens: 64, messages, ...changes }),
    error: z.object({
      type: z.literal('error'),
      error: z.object({ message: z.string().min(1), type: z.string().min(1) }),
    }),
    answer: z
      .object({ content: z.tuple([z.object({ type: z.literal('text'), text: z.string() })]) })
      .transform(({ content: [{ text }] }) => text),
    wrong: [
      ...WRONG_MESSAGES,
      { messages: [] },
      { temperature: 'hot' },
      { max_tokens: -1 },
      { max_tokens: undefined },
      { tools: 'all' },
    ],
  },
  {
    name: 'ollama',
    path: '/api/chat',
    headers: {},
    body: (changes) => ({ model: 'auto', stream: false, messages, ...changes }),
    error: z.object({ error: z.string().min(1) }),
    answer: z
      .object({ message: z.object({ content: z.string() }) })
      .transform(({ message }) => message.content),
    wrong: [...WRONG_MESSAGES, { options: 'hot' }, { tools: 'all' }],
  },
];
