import { z } from 'zod';
import { isEmpty, isFalse, jsonObject, refused } from '../parse.ts';

const text = z.object({ type: z.literal('text'), text: z.string() });
const texts = z.union([
  z.string(),
  z.array(z.discriminatedUnion('type', [text], { error: 'only text is supported' })),
]);

const block = z.discriminatedUnion(
  'type',
  [
    text,
    z.object({
      type: z.literal('tool_use'),
      id: z.string().min(1),
      name: z.string().min(1),
      input: jsonObject,
    }),
    z.object({
      type: z.literal('tool_result'),
      tool_use_id: z.string().min(1),
      content: texts.nullish(),
      is_error: z.boolean().nullish(),
    }),
    // What a model thought before is not sent to another one.
    z.object({ type: z.enum(['thinking', 'redacted_thinking']) }),
  ],
  { error: 'only text, tool_use, tool_result and thinking are supported' },
);

const tool = z.object({
  type: z.literal('custom', 'only tools of the client are supported').nullish(),
  name: z.string().min(1),
  description: z.string().nullish(),
  input_schema: jsonObject,
  strict: z.boolean().nullish(),
});

const toolChoice = z.discriminatedUnion(
  'type',
  [
    z.object({
      type: z.enum(['auto', 'any', 'none']),
      disable_parallel_tool_use: refused(isFalse),
    }),
    z.object({
      type: z.literal('tool'),
      name: z.string().min(1),
      disable_parallel_tool_use: refused(isFalse),
    }),
  ],
  { error: 'expected auto, any, tool or none' },
);

const format = z.object({ type: z.literal('json_schema'), schema: jsonObject });

const prompt = {
  model: z.string().min(1),
  messages: z
    .array(
      z.object({
        role: z.enum(['user', 'assistant', 'system']),
        content: z.union([z.string(), z.array(block)]),
      }),
    )
    .min(1),
  system: texts.nullish(),
  tools: z.array(tool).nullish(),
  tool_choice: toolChoice.nullish(),
  thinking: z.object({ type: z.enum(['enabled', 'adaptive', 'disabled']) }).nullish(),
  mcp_servers: refused(isEmpty),
};

/** What `count_tokens` takes. */
export const promptSchema = z.object(prompt);
export type Prompt = z.output<typeof promptSchema>;

/** What `/v1/messages` takes. */
export const messageSchema = z.object({
  ...prompt,
  max_tokens: z.int().min(1),
  stream: z.boolean().nullish(),
  temperature: z.number().min(0).max(1).nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  top_k: refused(),
  stop_sequences: z.array(z.string()).nullish(),
  output_config: z.object({ format: format.nullish() }).nullish(),
  output_format: format.nullish(),
  metadata: jsonObject.nullish(),
  container: refused(),
});
