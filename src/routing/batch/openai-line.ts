import { z } from 'zod';
import type { Message, ResponseFormat, ToolChoice } from '../../core/request.ts';
import {
  presentOnly,
  routeFields,
  seedSchema,
  temperatureSchema,
  toolSchema,
  topPSchema,
} from './request-schema.ts';

const text = z.union([
  z.string(),
  z
    .array(z.strictObject({ type: z.literal('text'), text: z.string() }))
    .transform((parts) => parts.map((part) => part.text).join('')),
]);
const calls = z.array(
  z.strictObject({
    id: z.string().min(1),
    type: z.literal('function'),
    function: z.strictObject({ name: z.string().min(1), arguments: z.string() }),
  }),
);

const messageSchema = z
  .discriminatedUnion('role', [
    z.strictObject({ role: z.enum(['system', 'developer', 'user']), content: text }),
    z.strictObject({
      role: z.literal('assistant'),
      content: text.nullish(),
      tool_calls: calls.min(1).exactOptional(),
    }),
    z.strictObject({ role: z.literal('tool'), content: text, tool_call_id: z.string().min(1) }),
  ])
  .transform((message): Message => {
    if (message.role === 'tool') {
      return { role: 'tool', content: message.content, toolCallId: message.tool_call_id };
    }
    if (message.role === 'assistant') {
      const content = message.content ?? '';
      if (message.tool_calls === undefined) return { role: 'assistant', content };
      const toolCalls = message.tool_calls.map((call) => ({ id: call.id, ...call.function }));
      return { role: 'assistant', content, toolCalls };
    }
    return { role: message.role === 'user' ? 'user' : 'system', content: message.content };
  });

const choiceSchema = z
  .union([
    z.enum(['auto', 'none', 'required']),
    z.strictObject({
      type: z.literal('function'),
      function: z.strictObject({ name: z.string().min(1) }),
    }),
  ])
  .transform((choice): ToolChoice => (typeof choice === 'string' ? choice : choice.function));

const formatSchema = z
  .discriminatedUnion('type', [
    z.strictObject({ type: z.literal('text') }),
    z.strictObject({ type: z.literal('json_object') }),
    z.strictObject({
      type: z.literal('json_schema'),
      json_schema: z.strictObject({
        name: z.string().min(1),
        schema: z.record(z.string(), z.unknown()),
        strict: z.boolean().exactOptional(),
      }),
    }),
  ])
  .transform((format): ResponseFormat | undefined => {
    if (format.type === 'text') return undefined;
    if (format.type === 'json_object') return { type: 'json' };
    const { name, schema } = format.json_schema;
    return { type: 'json-schema', name, schema };
  });

/** What is not listed here cannot be passed on, and is told instead of being read over. */
const bodySchema = z.strictObject({
  model: z.string().min(1).exactOptional(),
  messages: z.array(messageSchema).min(1),
  max_tokens: z.int().min(1).exactOptional(),
  max_completion_tokens: z.int().min(1).exactOptional(),
  temperature: temperatureSchema,
  top_p: topPSchema,
  seed: seedSchema,
  stop: z
    .union([
      z
        .string()
        .min(1)
        .transform((word) => [word]),
      z.array(z.string().min(1)).min(1),
    ])
    .exactOptional(),
  tools: z
    .array(z.strictObject({ type: z.literal('function'), function: toolSchema }))
    .min(1)
    .exactOptional(),
  tool_choice: choiceSchema.exactOptional(),
  response_format: formatSchema.exactOptional(),
  stream: z.literal(false).exactOptional(),
  n: z.literal(1).exactOptional(),
  user: z.string().exactOptional(),
});

/** A line of OpenAI's batch files; what only the router knows stands beside `custom_id`. */
export const openAiLineSchema = z
  .strictObject({
    custom_id: z.string().min(1).max(256),
    method: z.literal('POST'),
    url: z.literal('/v1/chat/completions'),
    body: bodySchema,
    ...routeFields,
  })
  .transform(({ custom_id: id, body, method: _method, url: _url, ...route }) => ({
    id,
    request: {
      ...route,
      messages: body.messages,
      ...presentOnly({
        model: body.model,
        maxTokens: body.max_completion_tokens ?? body.max_tokens,
        temperature: body.temperature,
        topP: body.top_p,
        seed: body.seed,
        stop: body.stop,
        tools: body.tools?.map((tool) => tool.function),
        toolChoice: body.tool_choice,
        responseFormat: body.response_format,
      }),
    },
  }));
