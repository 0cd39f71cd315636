import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { listen, type Listening } from './loopback.ts';

/** What this stand-in serves; the key opens nothing else. */
export const ANTHROPIC_KEY = 'sk-ant-loopback-0123456789';
export const ANTHROPIC_MODEL = 'claude-loopback';
/** Takes no temperature, as some models do. */
export const WILFUL_MODEL = 'claude-wilful';
const CONTEXT_TOKENS = 200_000;
/** Tokens below which nothing is cached. */
const MIN_CACHED_TOKENS = 1024;
const PIECE_MS = 2;

const cacheControl = z.strictObject({ type: z.literal('ephemeral') }).optional();
const blockSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('text'),
    text: z.string().min(1),
    cache_control: cacheControl,
  }),
  z.strictObject({
    type: z.literal('tool_use'),
    id: z.string().min(1),
    name: z.string(),
    input: z.record(z.string(), z.unknown()),
  }),
  z.strictObject({
    type: z.literal('tool_result'),
    tool_use_id: z.string().min(1),
    content: z.string(),
    cache_control: cacheControl,
  }),
]);
const contentSchema = z.union([z.string(), z.array(blockSchema)]);
const toolSchema = z.strictObject({
  name: z.string(),
  description: z.string().optional(),
  input_schema: z.looseObject({
    type: z.literal('object'),
    properties: z.record(z.string(), z.looseObject({ enum: z.array(z.string()) })).optional(),
  }),
});
const promptSchema = z.looseObject({
  model: z.string(),
  system: contentSchema.optional(),
  messages: z
    .array(z.strictObject({ role: z.enum(['user', 'assistant']), content: contentSchema }))
    .min(1),
  tools: z.array(toolSchema).optional(),
  tool_choice: z.looseObject({ type: z.enum(['auto', 'any', 'tool', 'none']) }).optional(),
});
const messageSchema = promptSchema.extend({
  max_tokens: z.int().min(1),
  temperature: z.number().min(0).max(1).optional(),
  stream: z.boolean().optional(),
});
const batchSchema = z.strictObject({
  requests: z.array(
    z.strictObject({ custom_id: z.string().regex(/^[\w-]{1,64}$/), params: messageSchema }),
  ),
});
type Prompt = z.output<typeof promptSchema>;
type MessageRequest = z.output<typeof messageSchema>;

export interface AnthropicServer extends Listening {
  /** Bodies of `POST /v1/messages`, in the order they came. */
  readonly requests: readonly MessageRequest[];
}

class Refusal extends Error {
  readonly status: number;
  readonly type: string;
  constructor(status: number, type: string, message: string) {
    super(message);
    this.status = status;
    this.type = type;
  }
  body(): unknown {
    return {
      type: 'error',
      error: { type: this.type, message: this.message },
      request_id: 'req_0',
    };
  }
}

/**
 * Speaks the documented contract of the Messages API on a loopback port, with a model that counts:
 * a word is a token, equal prompts have equal answers. No call reaches Anthropic.
 */
export async function startAnthropicServer(): Promise<AnthropicServer> {
  const requests: MessageRequest[] = [];
  const cached = new Set<string>();
  const batches = new Map<string, string>();
  /** A batch has ended when it is asked for a second time. */
  const askedFor = new Set<string>();

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    authorize(request);
    const { pathname } = new URL(request.url ?? '/', 'http://loopback');
    const [, model] = /^\/v1\/models\/(.+)$/.exec(pathname) ?? [];
    if (model !== undefined) return json(response, describe(model));
    const body: unknown = request.method === 'POST' ? JSON.parse(await textOf(request)) : undefined;
    if (pathname === '/v1/messages/count_tokens') {
      return json(response, { input_tokens: countTokens(parse(promptSchema, body)) });
    }
    if (pathname === '/v1/messages') {
      const asked = parse(messageSchema, body);
      requests.push(asked);
      return asked.stream === true
        ? stream(response, answer(asked, cached))
        : json(response, messageOf(answer(asked, cached)));
    }
    if (pathname === '/v1/messages/batches') {
      const id = `msgbatch_${batches.size}`;
      const lines = parse(batchSchema, body).requests.map(({ custom_id, params }) =>
        JSON.stringify({ custom_id, result: resultOf(params, cached) }),
      );
      batches.set(id, lines.join('\n'));
      return json(response, batchOf(id, lines, 'in_progress', request));
    }
    const [, id = '', results] =
      /^\/v1\/messages\/batches\/(\w+)(\/results)?$/.exec(pathname) ?? [];
    const lines = batches.get(id);
    if (lines === undefined) throw new Refusal(404, 'not_found_error', `Not found: ${pathname}`);
    if (results === undefined) {
      const status = askedFor.has(id) ? 'ended' : 'in_progress';
      askedFor.add(id);
      return json(response, batchOf(id, lines.split('\n'), status, request));
    }
    response.writeHead(200, { 'content-type': 'application/x-jsonl' }).end(`${lines}\n`);
  }

  const server = createServer((request, response) => {
    route(request, response).catch((error: unknown) => {
      const refusal =
        error instanceof Refusal ? error : new Refusal(500, 'api_error', String(error));
      json(response, refusal.body(), refusal.status);
    });
  });
  return { ...(await listen(server)), requests };
}

/** The key comes as `x-api-key`, or as a bearer token from the SDK. */
function authorize({ headers }: IncomingMessage): void {
  const key = headers['x-api-key'] ?? headers.authorization?.replace(/^Bearer /, '');
  if (key !== ANTHROPIC_KEY) throw new Refusal(401, 'authentication_error', 'invalid x-api-key');
  if (headers['anthropic-version'] === undefined) {
    throw new Refusal(400, 'invalid_request_error', 'anthropic-version: header is required');
  }
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const parsed = schema.safeParse(body);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const message = `${issue?.path.join('.')}: ${issue?.message}`;
  throw new Refusal(400, 'invalid_request_error', message);
}

function describe(model: string): unknown {
  if (model !== ANTHROPIC_MODEL && model !== WILFUL_MODEL) {
    throw new Refusal(404, 'not_found_error', `model: ${model}`);
  }
  return {
    type: 'model',
    id: model,
    display_name: 'Claude Loopback',
    max_input_tokens: CONTEXT_TOKENS,
    max_tokens: 64_000,
  };
}

function tokensOf(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length;
}

type Content = z.output<typeof contentSchema>;
interface Counted {
  text: string;
  cache_control?: unknown;
}
function blocksOf(content: Content): Counted[] {
  if (typeof content === 'string') return [{ text: content }];
  return content.map((block) => {
    if (block.type === 'text') return block;
    if (block.type === 'tool_use') return { text: JSON.stringify(block.input) };
    return { text: block.content, cache_control: block.cache_control };
  });
}

/** A result must follow the call that it answers. */
function checkResults(messages: Prompt['messages']): void {
  for (const [index, { content }] of messages.entries()) {
    if (typeof content === 'string') continue;
    const before = messages[index - 1]?.content ?? [];
    const calls = typeof before === 'string' ? [] : before;
    for (const block of content) {
      if (block.type !== 'tool_result') continue;
      if (calls.some((it) => it.type === 'tool_use' && it.id === block.tool_use_id)) continue;
      const message = `messages.${index}: unexpected tool_use_id found in tool_result blocks`;
      throw new Refusal(400, 'invalid_request_error', message);
    }
  }
}

/** The first tool with the first value allowed, where one must be called. */
function toolUseOf({ tools, tool_choice: choice }: MessageRequest): ToolUse | undefined {
  const [tool] = tools ?? [];
  if (tool === undefined || (choice?.type !== 'any' && choice?.type !== 'tool')) return undefined;
  const { properties = {} } = tool.input_schema;
  const input = Object.entries(properties).map(
    ([
      name,
      {
        enum: [value],
      },
    ]) => [name, value],
  );
  return { type: 'tool_use', id: 'toolu_0', name: tool.name, input: Object.fromEntries(input) };
}

function countTokens({ model, system, messages }: Prompt): number {
  describe(model);
  const contents = [...(system === undefined ? [] : [system]), ...messages.map((it) => it.content)];
  return contents.flatMap(blocksOf).reduce((sum, { text }) => sum + tokensOf(text), 8);
}

interface ToolUse {
  type: 'tool_use';
  id: string;
  name: string;
  input: unknown;
}

interface Answer {
  model: string;
  words: string[];
  toolUse?: ToolUse | undefined;
  stopReason: 'end_turn' | 'max_tokens' | 'tool_use';
  usage: {
    input_tokens: number;
    cache_creation_input_tokens: number;
    cache_read_input_tokens: number;
    output_tokens: number;
  };
}

/** Counts up to a number, or for ever when a story is asked for. */
function answer(asked: MessageRequest, cached: Set<string>): Answer {
  const { model, system, messages, max_tokens: maxTokens, temperature } = asked;
  const input = countTokens(asked);
  if (input > CONTEXT_TOKENS) {
    const message = `prompt is too long: ${input} tokens > ${CONTEXT_TOKENS} maximum`;
    throw new Refusal(400, 'invalid_request_error', message);
  }
  if (model === WILFUL_MODEL && temperature !== undefined) {
    throw new Refusal(400, 'invalid_request_error', '`temperature` is deprecated for this model.');
  }
  let prefix = '';
  let prefixTokens = 0;
  let read = 0;
  let written = 0;
  for (const content of [
    ...(system === undefined ? [] : [system]),
    ...messages.map((it) => it.content),
  ]) {
    for (const block of blocksOf(content)) {
      prefix += `${block.text}\0`;
      prefixTokens += tokensOf(block.text);
      if (block.cache_control === undefined || prefixTokens < MIN_CACHED_TOKENS) continue;
      if (cached.has(prefix)) read = prefixTokens;
      else written = prefixTokens - read;
      cached.add(prefix);
    }
  }
  const last = blocksOf(messages.at(-1)?.content ?? '')
    .map((it) => it.text)
    .join('');
  checkResults(messages);
  const toolUse = toolUseOf(asked);
  const whole = /story/i.test(last) ? Infinity : 3 + (last.length % 5);
  const count = Math.min(whole, maxTokens);
  return {
    model,
    words: Array.from({ length: count }, (_, index) => `${index === 0 ? '' : ' '}${index + 1}`),
    toolUse,
    stopReason: count < whole ? 'max_tokens' : toolUse === undefined ? 'end_turn' : 'tool_use',
    usage: {
      input_tokens: input - read - written,
      cache_creation_input_tokens: written,
      cache_read_input_tokens: read,
      output_tokens: count,
    },
  };
}

function messageOf({ model, words, toolUse, stopReason, usage }: Answer): unknown {
  return {
    id: 'msg_0',
    type: 'message',
    role: 'assistant',
    model,
    content: [{ type: 'text', text: words.join('') }, ...(toolUse === undefined ? [] : [toolUse])],
    stop_reason: stopReason,
    stop_sequence: null,
    usage,
  };
}

async function stream(response: ServerResponse, { words, ...rest }: Answer): Promise<void> {
  const { stopReason, usage } = rest;
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
  const send = (event: { type: string; [key: string]: unknown }): void =>
    void response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  const begun = { ...rest, words: [], usage: { ...usage, output_tokens: 1 } };
  send({
    type: 'message_start',
    message: { ...Object(messageOf(begun)), content: [], stop_reason: null },
  });
  send({ type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } });
  send({ type: 'ping' });
  for (const text of words) {
    if (response.destroyed) return;
    send({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } });
    await sleep(PIECE_MS);
  }
  send({ type: 'content_block_stop', index: 0 });
  if (rest.toolUse !== undefined) {
    const content_block = { ...rest.toolUse, input: {} };
    send({ type: 'content_block_start', index: 1, content_block });
    for (const partial_json of JSON.stringify(rest.toolUse.input).match(/.{1,5}/g) ?? []) {
      const delta = { type: 'input_json_delta', partial_json };
      send({ type: 'content_block_delta', index: 1, delta });
    }
    send({ type: 'content_block_stop', index: 1 });
  }
  send({
    type: 'message_delta',
    delta: { stop_reason: stopReason, stop_sequence: null },
    usage: { output_tokens: usage.output_tokens },
  });
  send({ type: 'message_stop' });
  response.end();
}

function resultOf(params: MessageRequest, cached: Set<string>): unknown {
  try {
    return { type: 'succeeded', message: messageOf(answer(params, cached)) };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { type: 'errored', error: error.body() };
  }
}

function batchOf(
  id: string,
  lines: readonly string[],
  status: string,
  { headers }: IncomingMessage,
): unknown {
  const ended = status === 'ended';
  const succeeded = lines.filter((line) => line.includes('"succeeded"')).length;
  return {
    id,
    type: 'message_batch',
    processing_status: status,
    request_counts: {
      processing: ended ? 0 : lines.length,
      succeeded: ended ? succeeded : 0,
      errored: ended ? lines.length - succeeded : 0,
      canceled: 0,
      expired: 0,
    },
    results_url: ended ? `http://${headers.host}/v1/messages/batches/${id}/results` : null,
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8');
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
