import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { listen, type Listening } from '../../contracts/loopback.ts';

/** What the server said that a request used; each class apart. */
export interface Counted {
  input: number;
  cacheRead: number;
  write5m: number;
  write1h: number;
  output: number;
  thought: number;
}

/** A request as the server saw it: its own books, which know nothing of any ledger. */
export interface Served {
  model: string;
  kind: 'chat' | 'embedding' | 'batch';
  prompt: string;
  /** `left`: whoever asked went away before the end. */
  how: 'whole' | 'refused' | 'broken' | 'left';
  /** As far as it was sent. */
  told: Partial<Counted>;
}

export interface CountingServer extends Listening {
  readonly served: readonly Served[];
}

/** What a prompt may hold, to be served so. */
export const SIGNS = {
  /** With an error of an overloaded server, the first time. */
  refuseOnce: '#refuse-once',
  /** Cut off in the middle. */
  break: '#break',
  /** So slowly that nobody waits for the end. */
  slow: '#slow',
} as const;

const PIECES = 4;
const SLOW_MS = 30_000;

const content = z.union([z.string(), z.array(z.looseObject({ text: z.string().optional() }))]);
const chatSchema = z.looseObject({
  model: z.string(),
  stream: z.boolean().optional(),
  messages: z.array(z.looseObject({ content })),
});
const batchSchema = z.looseObject({
  requests: z.array(z.looseObject({ custom_id: z.string(), params: chatSchema })),
});
const embedSchema = z.looseObject({ model: z.string(), input: z.array(z.string()) });
type Chat = z.output<typeof chatSchema>;

/** Models behind the APIs of OpenAI and Anthropic on a loopback port that keep books of what they serve. */
export async function startCountingServer(): Promise<CountingServer> {
  const served: Served[] = [];
  const refused = new Set<string>();
  const batches = new Map<string, string>();
  let number = 0;

  async function chat(asked: Chat, response: ServerResponse, dialect: Dialect): Promise<void> {
    const prompt = textOf(asked);
    const books: Served = { model: asked.model, kind: 'chat', prompt, how: 'left', told: {} };
    served.push(books);
    if (prompt.includes(SIGNS.refuseOnce) && !refused.has(asked.model + prompt)) {
      refused.add(asked.model + prompt);
      books.how = 'refused';
      json(response, dialect.refusal, dialect.refusalStatus);
      return;
    }
    const used = usageOf(number++);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const send = (event: object): void => dialect.write(response, event);
    for (const event of dialect.begin(asked.model, used)) send(event);
    books.told = dialect.toldFirst(used);
    for (let piece = 0; piece < PIECES; piece++) {
      send(dialect.piece(`piece ${piece} `));
      await sleep(prompt.includes(SIGNS.slow) ? SLOW_MS / PIECES : 2, undefined, {
        signal: closed(response),
      }).catch(() => {});
      if (response.destroyed) return;
      if (piece === 1 && prompt.includes(SIGNS.break)) {
        books.how = 'broken';
        response.destroy();
        return;
      }
    }
    for (const event of dialect.end(used)) send(event);
    books.told = dialect.told(used);
    books.how = 'whole';
    response.end(dialect.last);
  }

  function submit(body: unknown, response: ServerResponse): void {
    const id = `msgbatch_${batches.size}`;
    const lines = batchSchema.parse(body).requests.map(({ custom_id, params }) => {
      const used = usageOf(number++);
      const prompt = textOf(params);
      served.push({ model: params.model, kind: 'batch', prompt, how: 'whole', told: used });
      const message = {
        ...messageOf(params.model, used),
        content: [{ type: 'text', text: 'done' }],
        stop_reason: 'end_turn',
      };
      return JSON.stringify({ custom_id, result: { type: 'succeeded', message } });
    });
    batches.set(id, lines.join('\n'));
    json(response, batchOf(id, lines.length, response.req));
  }

  async function route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://loopback');
    const body: unknown = request.method === 'POST' ? JSON.parse(await bodyOf(request)) : undefined;
    const [, id = '', results] =
      /^\/v1\/messages\/batches\/(\w+)(\/results)?$/.exec(pathname) ?? [];
    const lines = batches.get(id);
    if (pathname === '/v1/chat/completions') await chat(chatSchema.parse(body), response, OPENAI);
    else if (pathname === '/v1/messages') await chat(chatSchema.parse(body), response, ANTHROPIC);
    else if (pathname === '/v1/messages/batches') submit(body, response);
    else if (lines !== undefined && results !== undefined) response.end(`${lines}\n`);
    else if (lines !== undefined) json(response, batchOf(id, lines.split('\n').length, request));
    else if (pathname === '/v1/embeddings') {
      const { model, input } = embedSchema.parse(body);
      const tokens = 5 * input.length;
      const prompt = input.join(' ');
      served.push({ model, kind: 'embedding', prompt, how: 'whole', told: { input: tokens } });
      const data = input.map((_, index) => ({ index, embedding: [1, 2, 3] }));
      json(response, { data, model, usage: { prompt_tokens: tokens, total_tokens: tokens } });
    } else if (pathname === '/v1/models') {
      json(response, { data: [{ id: 'local', owned_by: 'vllm', max_model_len: 100_000 }] });
    } else json(response, { error: { message: 'no path' } }, 404);
  }

  const server = createServer((request, response) => {
    route(request, response).catch(() => response.destroy());
  });
  return { ...(await listen(server)), served };
}

interface Dialect {
  refusal: unknown;
  refusalStatus: number;
  begin: (model: string, used: Counted) => object[];
  piece: (text: string) => object;
  end: (used: Counted) => object[];
  last: string;
  /** What it has said of the usage when the first piece comes. */
  toldFirst: (used: Counted) => Partial<Counted>;
  told: (used: Counted) => Partial<Counted>;
  write: (response: ServerResponse, event: object) => void;
}

const OPENAI: Dialect = {
  refusal: { error: { message: 'busy', type: 'server_error', code: 503 } },
  refusalStatus: 503,
  begin: () => [],
  piece: (text) => ({ choices: [{ index: 0, delta: { content: text }, finish_reason: null }] }),
  end: ({ input, cacheRead, output, thought }) => [
    { choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] },
    {
      choices: [],
      usage: {
        prompt_tokens: input + cacheRead,
        completion_tokens: output,
        prompt_tokens_details: { cached_tokens: cacheRead },
        completion_tokens_details: { reasoning_tokens: thought },
      },
    },
  ],
  last: 'data: [DONE]\n\n',
  toldFirst: () => ({}),
  told: ({ input, cacheRead, output, thought }) => ({ input, cacheRead, output, thought }),
  write: (response, event) => void response.write(`data: ${JSON.stringify(event)}\n\n`),
};

const ANTHROPIC: Dialect = {
  refusal: { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
  refusalStatus: 529,
  begin: (model, used) => [
    {
      type: 'message_start',
      message: { ...messageOf(model, { ...used, output: 1 }), content: [] },
    },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  ],
  piece: (text) => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } }),
  end: ({ output, thought }) => [
    { type: 'content_block_stop', index: 0 },
    {
      type: 'message_delta',
      delta: { stop_reason: 'end_turn' },
      usage: { output_tokens: output, output_tokens_details: { thinking_tokens: thought } },
    },
    { type: 'message_stop' },
  ],
  last: '',
  toldFirst: ({ input, cacheRead, write5m, write1h }) => ({ input, cacheRead, write5m, write1h }),
  told: (used) => used,
  write(response, event) {
    const { type } = z.looseObject({ type: z.string() }).parse(event);
    response.write(`event: ${type}\ndata: ${JSON.stringify(event)}\n\n`);
  },
};

/** Each request has amounts of its own, so that one for another would be seen. */
function usageOf(number: number): Counted {
  return {
    input: 101 + 7 * number,
    cacheRead: (number % 3) * 211,
    write5m: (number % 4) * 53,
    write1h: (number % 5) * 19,
    output: 31 + 3 * number,
    thought: number % 7,
  };
}

function messageOf(model: string, used: Counted): object {
  return {
    id: 'msg_0',
    type: 'message',
    role: 'assistant',
    model,
    stop_reason: null,
    usage: {
      input_tokens: used.input,
      cache_read_input_tokens: used.cacheRead,
      cache_creation_input_tokens: used.write5m + used.write1h,
      cache_creation: {
        ephemeral_5m_input_tokens: used.write5m,
        ephemeral_1h_input_tokens: used.write1h,
      },
      output_tokens: used.output,
      output_tokens_details: { thinking_tokens: Math.min(used.thought, used.output) },
    },
  };
}

function batchOf(id: string, count: number, { headers }: IncomingMessage): object {
  return {
    id,
    type: 'message_batch',
    processing_status: 'ended',
    request_counts: { processing: 0, succeeded: count, errored: 0, canceled: 0, expired: 0 },
    results_url: `http://${headers.host}/v1/messages/batches/${id}/results`,
  };
}

function textOf({ messages }: Chat): string {
  const last = messages.at(-1)?.content ?? '';
  return typeof last === 'string' ? last : last.map(({ text = '' }) => text).join('');
}

function closed(response: ServerResponse): AbortSignal {
  const controller = new AbortController();
  response.once('close', () => controller.abort());
  return controller.signal;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  request.setEncoding('utf8');
  let text = '';
  for await (const chunk of request) text += String(chunk);
  return text;
}

function json(response: ServerResponse, body: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
