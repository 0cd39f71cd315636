import type { Clock } from '../../src/core/clock.ts';
import { createAnthropicProvider } from '../../src/providers/anthropic/anthropic-provider.ts';
import type { Deadlines } from '../../src/providers/http/deadlines.ts';
import { createOllamaProvider } from '../../src/providers/ollama/ollama-provider.ts';
import { createOpenAiCompatibleProvider } from '../../src/providers/openai-compatible/openai-compatible-provider.ts';
import type { Provider } from '../../src/providers/provider.ts';

export const MODEL = 'some-model';
export const PIECES = ['The answer ', 'is ', 'whole.'] as const;
export const USAGE = { inputTokens: 7, outputTokens: 3 };

/** What a server says when it refuses, by what it means. */
export type Refusal =
  | 'unknown key'
  | 'no such model'
  | 'body too large'
  | 'context too long'
  | 'rate limit'
  | 'spend limit'
  | 'internal'
  | 'overloaded';

/** How one kind of server speaks, as its documents have it. */
export interface Dialect {
  name: string;
  /** Where answers are asked for. */
  path: string;
  /** Content type of a streamed answer. */
  contentType: string;
  /** What the provider may ask beforehand: `<path>` to JSON. */
  facts: Readonly<Record<string, unknown>>;
  /** A stream's parts. */
  begin(usage: boolean): string;
  text(text: string): string;
  /** The rest of a whole answer. */
  end(usage: 'once' | 'twice' | 'missing'): string;
  /** A part of a stream that is no JSON. */
  garbage: string;
  /** The body of a refusal; `undefined` for one that such a server does not know. */
  refusal(refusal: Refusal): unknown;
  /** The same inside a stream. */
  refusalInStream(refusal: Refusal): string;
  connect(options: {
    id: string;
    model: string;
    url: string;
    apiKey: string;
    deadlines: Deadlines;
    clock: Clock;
  }): Provider;
}

const json = (value: unknown): string => JSON.stringify(value);
const sse = (data: unknown): string => `data: ${json(data)}\n\n`;
const event = (type: string, data: object = {}): string =>
  `event: ${type}\n${sse({ type, ...data })}`;

function chunk(delta: unknown, finishReason: string | null): string {
  return sse({
    object: 'chat.completion.chunk',
    model: MODEL,
    choices: [{ index: 0, delta, finish_reason: finishReason }],
  });
}

const OPENAI_REFUSALS: Record<Refusal, { message: string; type: string; code: unknown }> = {
  'unknown key': { message: 'Invalid API Key', type: 'authentication_error', code: 401 },
  'no such model': {
    message: `The model \`${MODEL}\` does not exist.`,
    type: 'NotFoundError',
    code: 404,
  },
  'body too large': { message: 'Payload too large', type: 'invalid_request_error', code: 413 },
  'context too long': {
    message: 'the request exceeds the available context size, try increasing it',
    type: 'exceed_context_size_error',
    code: 400,
  },
  'rate limit': { message: 'Too many requests', type: 'rate_limit_error', code: null },
  'spend limit': { message: 'No quota left', type: 'insufficient_quota', code: null },
  internal: { message: 'Internal server error', type: 'server_error', code: 500 },
  overloaded: { message: 'Loading model', type: 'unavailable_error', code: 503 },
};

const openai: Dialect = {
  name: 'openai-compatible',
  path: '/v1/chat/completions',
  contentType: 'text/event-stream; charset=utf-8',
  facts: { '/v1/models': { object: 'list', data: [{ id: MODEL, object: 'model' }] } },
  begin: () => chunk({ role: 'assistant', content: '' }, null),
  text: (content) => chunk({ content }, null),
  end(usage) {
    const counts = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 };
    const told = sse({ object: 'chat.completion.chunk', choices: [], usage: counts });
    const times = { once: 1, twice: 2, missing: 0 }[usage];
    return `${chunk({}, 'stop')}${told.repeat(times)}data: [DONE]\n\n`;
  },
  garbage: 'data: {"choices":[{"index":0,"del\n\n',
  refusal: (refusal) => ({ error: OPENAI_REFUSALS[refusal] }),
  refusalInStream: (refusal) => sse({ error: OPENAI_REFUSALS[refusal] }),
  connect: createOpenAiCompatibleProvider,
};

const OLLAMA_REFUSALS: Partial<Record<Refusal, string>> = {
  'unknown key': 'unauthorized',
  'no such model': `model '${MODEL}' not found`,
  'body too large': 'request body too large',
  'context too long': 'the input length exceeds the context length',
  'rate limit': 'too many requests',
  internal: 'an error was encountered while running the model',
  overloaded: 'server busy, please try again.  maximum pending requests exceeded',
};

const line = (value: object): string => `${json({ model: MODEL, ...value })}\n`;
const ollamaText = (content: string): string =>
  line({ message: { role: 'assistant', content }, done: false });

const ollama: Dialect = {
  name: 'ollama',
  path: '/api/chat',
  contentType: 'application/x-ndjson',
  facts: {
    '/api/version': { version: '0.13.0' },
    '/api/ps': { models: [] },
    '/api/show': {
      details: {},
      model_info: { 'general.architecture': 'llama', 'llama.context_length': 8192 },
    },
  },
  begin: () => '',
  text: ollamaText,
  end(usage) {
    const counts = { prompt_eval_count: 7, eval_count: 3 };
    const message = { role: 'assistant', content: '' };
    return [
      ...(usage === 'twice' ? [line({ message, done: false, ...counts })] : []),
      line({ message, done: true, done_reason: 'stop', ...(usage === 'missing' ? {} : counts) }),
    ].join('');
  },
  garbage: '{"message":{"role":"assistant","con\n',
  refusal(refusal) {
    const error = OLLAMA_REFUSALS[refusal];
    return error === undefined ? undefined : { error };
  },
  refusalInStream: (refusal) => `${json({ error: OLLAMA_REFUSALS[refusal] })}\n`,
  connect: createOllamaProvider,
};

const ANTHROPIC_REFUSALS: Record<Refusal, { type: string; message: string; details?: unknown }> = {
  'unknown key': { type: 'authentication_error', message: 'invalid x-api-key' },
  'no such model': { type: 'not_found_error', message: `model: ${MODEL}` },
  'body too large': { type: 'request_too_large', message: 'Request exceeds the maximum size' },
  'context too long': {
    type: 'invalid_request_error',
    message: 'prompt is too long: 210000 tokens > 200000 maximum',
  },
  'rate limit': { type: 'rate_limit_error', message: 'This request would exceed your rate limit' },
  'spend limit': {
    type: 'rate_limit_error',
    message: 'The spend limit is reached',
    details: { error_code: 'enforced_spend_limit_reached' },
  },
  internal: { type: 'api_error', message: 'Internal server error' },
  overloaded: { type: 'overloaded_error', message: 'Overloaded' },
};
const anthropicRefusal = (refusal: Refusal): object => ({
  type: 'error',
  error: ANTHROPIC_REFUSALS[refusal],
  request_id: 'req_1',
});

const anthropic: Dialect = {
  name: 'anthropic',
  path: '/v1/messages',
  contentType: 'text/event-stream; charset=utf-8',
  facts: {},
  begin(usage) {
    const message = {
      id: 'msg_1',
      type: 'message',
      role: 'assistant',
      model: MODEL,
      content: [],
      stop_reason: null,
      ...(usage ? { usage: { input_tokens: 7, output_tokens: 1 } } : {}),
    };
    const block = { type: 'text', text: '' };
    return [
      event('message_start', { message }),
      event('content_block_start', { index: 0, content_block: block }),
      event('ping'),
    ].join('');
  },
  text: (text) => event('content_block_delta', { index: 0, delta: { type: 'text_delta', text } }),
  end(usage) {
    const counts = usage === 'missing' ? {} : { usage: { output_tokens: 3 } };
    const told = event('message_delta', {
      delta: { stop_reason: 'end_turn', stop_sequence: null },
      ...counts,
    });
    return [
      event('content_block_stop', { index: 0 }),
      told.repeat(usage === 'twice' ? 2 : 1),
      event('message_stop'),
    ].join('');
  },
  garbage: 'event: content_block_delta\ndata: {"type":"content_block_del\n\n',
  refusal: anthropicRefusal,
  refusalInStream: (refusal) => event('error', anthropicRefusal(refusal)),
  connect: createAnthropicProvider,
};

export const DIALECTS: readonly Dialect[] = [openai, ollama, anthropic];
