import type { IncomingHttpHeaders } from 'node:http';
import { z } from 'zod';
import type { Message, ResponseFormat, Tool, ToolCall } from '../../core/request.ts';
import type { RouteRequest } from '../../routing/decision.ts';
import type { Call } from '../dialect.ts';
import { readOptions } from '../options.ts';
import { isEmpty, isFalse, isZero, jsonObject, parseBody, refused } from '../parse.ts';
import { ollamaWriter } from './chat-answer.ts';

const call = z.object({
  id: z.string().nullish(),
  function: z.object({ name: z.string().min(1), arguments: jsonObject.nullish() }),
});

const message = z.object({
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.string().nullish(),
  images: refused(isEmpty),
  tool_calls: z.array(call).nullish(),
  tool_call_id: z.string().nullish(),
  tool_name: z.string().nullish(),
});
type Given = z.output<typeof message>;

const tool = z.object({
  type: z.literal('function', 'only functions are supported').optional(),
  function: z.object({
    name: z.string().min(1),
    description: z.string().nullish(),
    parameters: jsonObject.nullish(),
  }),
});

/** Others are read over, as Ollama reads over those that a model does not have. */
const options = z.object({
  temperature: z.number().min(0).nullish(),
  seed: z.int().nullish(),
  top_p: z.number().gt(0).max(1).nullish(),
  /** Below 0: as many as the model likes. */
  num_predict: z.int().nullish(),
  stop: z.union([z.string(), z.array(z.string())]).nullish(),
});

const shared = {
  model: z.string().min(1),
  stream: z.boolean().nullish(),
  format: z.union([z.literal(''), z.literal('json'), jsonObject]).nullish(),
  options: options.nullish(),
  think: z.union([z.boolean(), z.enum(['low', 'medium', 'high', 'max'])]).nullish(),
  metadata: jsonObject.nullish(),
  logprobs: refused(isFalse),
  top_logprobs: refused(isZero),
};
type Shared = z.output<z.ZodObject<typeof shared>>;

const chatSchema = z.object({
  ...shared,
  messages: z.array(message).nullish(),
  tools: z.array(tool).nullish(),
});

const generateSchema = z.object({
  ...shared,
  prompt: z.string().nullish(),
  system: z.string().nullish(),
  suffix: refused(isEmpty),
  images: refused(isEmpty),
  template: refused(isEmpty),
  raw: refused(isFalse),
  context: refused(isEmpty),
});

/** A call that has nothing to answer: clients load a model with it, or let it go. */
export interface Preload {
  preload: string;
}

/** `/api/chat`. @throws AppError `gateway.invalid-request` */
export function readChat(body: unknown, headers: IncomingHttpHeaders): Call | Preload {
  const given = parseBody(chatSchema, body);
  const messages = given.messages ?? [];
  if (messages.length === 0) return { preload: given.model };
  const tools = (given.tools ?? []).map(toolOf);
  return callOf('chat', given, headers, {
    messages: conversationOf(messages),
    ...(tools.length === 0 ? {} : { tools }),
  });
}

/** `/api/generate`. @throws AppError `gateway.invalid-request` */
export function readGenerate(body: unknown, headers: IncomingHttpHeaders): Call | Preload {
  const given = parseBody(generateSchema, body);
  const { model, prompt, system } = given;
  if (prompt === undefined || prompt === null || prompt === '') return { preload: model };
  const before: Message[] =
    typeof system === 'string' && system !== '' ? [{ role: 'system', content: system }] : [];
  return callOf('generate', given, headers, {
    messages: [...before, { role: 'user', content: prompt }],
  });
}

function callOf(
  kind: 'chat' | 'generate',
  given: Shared,
  headers: IncomingHttpHeaders,
  prompt: Pick<RouteRequest, 'messages' | 'tools'>,
): Call {
  const { temperature, seed, top_p: topP, num_predict: limit, stop } = given.options ?? {};
  const stops = [stop ?? []].flat();
  return {
    stream: given.stream !== false,
    writer: (head) => ollamaWriter(kind, head, given.think !== false),
    request: {
      source: 'ollama',
      model: modelOf(given.model),
      ...prompt,
      ...(typeof limit === 'number' && limit > 0 ? { maxTokens: limit } : {}),
      ...(typeof temperature === 'number' ? { temperature } : {}),
      ...(typeof seed === 'number' ? { seed } : {}),
      ...(typeof topP === 'number' ? { topP } : {}),
      ...(stops.length === 0 ? {} : { stop: stops }),
      ...formatOf(given.format),
      ...readOptions(headers, given.metadata),
    },
  };
}

/** Clients of Ollama add the tag that Ollama would. */
export function modelOf(name: string): string {
  return name === 'auto:latest' ? 'auto' : name;
}

/** Ties results to calls where the client names no ids, as before Ollama 0.12: by name, then by order. */
function conversationOf(given: readonly Given[]): Message[] {
  const waiting: ToolCall[] = [];
  return given.map((turn, index): Message => {
    const content = turn.content ?? '';
    switch (turn.role) {
      case 'system':
      case 'user':
        return { role: turn.role, content };
      case 'assistant': {
        const toolCalls = (turn.tool_calls ?? []).map(({ id, function: asked }, number) => ({
          id: id ?? `call_${index}_${number}`,
          name: asked.name,
          arguments: JSON.stringify(asked.arguments ?? {}),
        }));
        waiting.push(...toolCalls);
        return { role: 'assistant', content, ...(toolCalls.length === 0 ? {} : { toolCalls }) };
      }
      case 'tool': {
        const known =
          waiting.find(({ id }) => id === turn.tool_call_id) ??
          waiting.find(({ name }) => name === turn.tool_name) ??
          waiting[0];
        if (known !== undefined) waiting.splice(waiting.indexOf(known), 1);
        return { role: 'tool', content, toolCallId: turn.tool_call_id ?? known?.id ?? 'call' };
      }
    }
  });
}

function toolOf({ function: given }: z.output<typeof tool>): Tool {
  return {
    name: given.name,
    ...(typeof given.description === 'string' ? { description: given.description } : {}),
    parameters: given.parameters ?? { type: 'object', properties: {} },
  };
}

function formatOf(format: Shared['format']): { responseFormat?: ResponseFormat } {
  if (format === null || format === undefined || format === '') return {};
  if (format === 'json') return { responseFormat: { type: 'json' } };
  return { responseFormat: { type: 'json-schema', name: 'answer', schema: format } };
}
