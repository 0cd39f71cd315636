import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { Message, ResponseFormat, Tool, ToolChoice } from '../../core/request.ts';
import type { Call } from '../dialect.ts';
import { readOptions } from '../options.ts';
import { isEmpty, isFalse, isZero, jsonObject, parseBody, refused } from '../parse.ts';
import { chatWriter } from './chat-answer.ts';

const textPart = z.object({ type: z.literal('text'), text: z.string() });
const refusalPart = z.object({ type: z.literal('refusal'), refusal: z.string() });
const content = z
  .union([
    z.string(),
    z.array(
      z.discriminatedUnion('type', [textPart, refusalPart], {
        error: 'only parts of text are supported',
      }),
    ),
  ])
  .transform((given) =>
    typeof given === 'string'
      ? given
      : given.map((part) => (part.type === 'text' ? part.text : part.refusal)).join('\n'),
  );

const toolCall = z.object({
  id: z.string().min(1),
  type: z.literal('function').optional(),
  function: z.object({ name: z.string().min(1), arguments: z.string() }),
});

const message = z.discriminatedUnion(
  'role',
  [
    z.object({ role: z.enum(['system', 'developer', 'user']), content }),
    z.object({
      role: z.literal('assistant'),
      content: content.nullish(),
      tool_calls: z.array(toolCall).nullish(),
      function_call: refused(),
      audio: refused(),
    }),
    z.object({ role: z.literal('tool'), content, tool_call_id: z.string().min(1) }),
  ],
  { error: 'expected system, developer, user, assistant or tool' },
);

const tool = z.object({
  type: z.literal('function', 'only functions are supported'),
  function: z.object({
    name: z.string().min(1),
    description: z.string().nullish(),
    parameters: jsonObject.nullish(),
    strict: z.boolean().nullish(),
  }),
});

const choiceSchema = z.union([
  z.enum(['none', 'auto', 'required']),
  z.object({
    type: z.literal('function'),
    function: z.object({ name: z.string().min(1) }),
  }),
]);

const responseFormat = z.discriminatedUnion(
  'type',
  [
    z.object({ type: z.literal('text') }),
    z.object({ type: z.literal('json_object') }),
    z.object({
      type: z.literal('json_schema'),
      json_schema: z.object({ name: z.string().min(1), schema: jsonObject }),
    }),
  ],
  { error: 'expected text, json_object or json_schema' },
);

const count = z.int().min(1);

const chatSchema = z.object({
  model: z.string().min(1).default('auto'),
  messages: z.array(message).min(1),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: count.nullish(),
  max_completion_tokens: count.nullish(),
  temperature: z.number().min(0).max(2).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  seed: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: choiceSchema.nullish(),
  response_format: responseFormat.nullish(),
  metadata: jsonObject.nullish(),
  n: refused((value) => value === 1),
  logprobs: refused(isFalse),
  top_logprobs: refused(isZero),
  logit_bias: refused(isEmpty),
  frequency_penalty: refused(isZero),
  presence_penalty: refused(isZero),
  parallel_tool_calls: refused((value) => value === true),
  modalities: refused((value) => Array.isArray(value) && value.every((it) => it === 'text')),
  audio: refused(),
  functions: refused(isEmpty),
  function_call: refused(),
  web_search_options: refused(),
});
type ChatBody = z.output<typeof chatSchema>;

/** `/v1/chat/completions`. @throws AppError `gateway.invalid-request` */
export function readChat(body: unknown, headers: IncomingHttpHeaders): Call {
  const chat = parseBody(chatSchema, body);
  const maxTokens = chat.max_completion_tokens ?? chat.max_tokens ?? undefined;
  const { temperature, seed, top_p: topP, stop } = chat;
  const withUsage = chat.stream_options?.include_usage === true;
  return {
    stream: chat.stream === true,
    writer: (head) => chatWriter(head, withUsage),
    request: {
      source: 'openai',
      model: chat.model,
      messages: chat.messages.map(messageOf),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(typeof temperature === 'number' ? { temperature } : {}),
      ...(typeof seed === 'number' ? { seed } : {}),
      ...(typeof topP === 'number' ? { topP } : {}),
      ...(stop === null || stop === undefined ? {} : { stop: [stop].flat() }),
      ...toolsOf(chat),
      ...formatOf(chat.response_format),
      ...readOptions(headers, chat.metadata),
    },
  };
}

function messageOf(given: ChatBody['messages'][number]): Message {
  switch (given.role) {
    case 'system':
    case 'developer':
      return { role: 'system', content: given.content };
    case 'user':
      return { role: 'user', content: given.content };
    case 'tool':
      return { role: 'tool', content: given.content, toolCallId: given.tool_call_id };
    case 'assistant': {
      const calls = (given.tool_calls ?? []).map(({ id, function: call }) => ({
        id,
        name: call.name,
        arguments: call.arguments,
      }));
      return {
        role: 'assistant',
        content: given.content ?? '',
        ...(calls.length === 0 ? {} : { toolCalls: calls }),
      };
    }
  }
}

function toolsOf(chat: ChatBody): { tools?: Tool[]; toolChoice?: ToolChoice } {
  const tools = (chat.tools ?? []).map(({ function: given }) => ({
    name: given.name,
    ...(typeof given.description === 'string' ? { description: given.description } : {}),
    parameters: given.parameters ?? { type: 'object', properties: {} },
    ...(typeof given.strict === 'boolean' ? { strict: given.strict } : {}),
  }));
  if (tools.length === 0) return {};
  const choice = chat.tool_choice ?? undefined;
  if (choice === undefined) return { tools };
  const toolChoice = typeof choice === 'string' ? choice : { name: choice.function.name };
  return { tools, toolChoice };
}

function formatOf(format: ChatBody['response_format']): { responseFormat?: ResponseFormat } {
  if (format === null || format === undefined || format.type === 'text') return {};
  if (format.type === 'json_object') return { responseFormat: { type: 'json' } };
  const { name, schema } = format.json_schema;
  return { responseFormat: { type: 'json-schema', name, schema } };
}
