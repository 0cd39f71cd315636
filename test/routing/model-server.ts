import { createServer, type ServerResponse } from 'node:http';
import { onTestFinished } from 'vitest';
import { z } from 'zod';

/** What becomes of the next chats: `cut` breaks off after the first word, `hang` never answers. */
export type Mood = 'well' | 'failing' | 'hang' | 'cut' | 'missing';

export interface ModelServer {
  url: string;
  mood: Mood;
  /** Whether it calls the first tool that it is given, in place of an answer. */
  calls: boolean;
  /** Connections that were opened so far. */
  connections: () => number;
  /** Messages of each chat so far. */
  chats: { role: string; content: string | null }[][];
}

const bodySchema = z.object({
  stream: z.boolean().optional(),
  messages: z.array(z.object({ role: z.string(), content: z.string().nullable() })),
  tools: z.array(z.object({ function: z.object({ name: z.string() }) })).optional(),
});

/** An OpenAI-compatible server whose model answers `<name>: <last message>`, word by word. */
export async function startModelServer(name: string, mood: Mood = 'well'): Promise<ModelServer> {
  const chats: ModelServer['chats'] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.url === '/v1/models') {
      return json(200, {
        object: 'list',
        data: [{ id: 'm', object: 'model', max_model_len: 4096 }],
      });
    }
    if (request.url === '/v1/embeddings' && it.mood === 'well') {
      return json(200, {
        data: [{ index: 0, embedding: [1, 0] }],
        usage: { prompt_tokens: 3, total_tokens: 3 },
      });
    }
    if (request.url !== '/v1/chat/completions')
      return json(404, { error: { message: 'no such path' } });
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    request.on('end', () => {
      const { messages, tools } = bodySchema.parse(JSON.parse(text));
      chats.push(messages);
      if (it.mood === 'failing')
        return json(500, { error: { message: 'out of order', type: 'server_error' } });
      if (it.mood === 'missing') {
        return json(404, {
          error: { message: 'The model `m` does not exist.', type: 'NotFoundError', code: 404 },
        });
      }
      if (it.mood === 'hang') return;
      const [tool] = tools ?? [];
      if (it.calls && tool !== undefined) return writeCall(response, tool.function.name);
      const words = `${name}: ${messages.at(-1)?.content ?? ''}`.split(/(?<= )/);
      writeStream(response, it.mood === 'cut' ? words.slice(0, 1) : words, it.mood === 'well');
    });
  });
  server.on('connection', () => connections++);
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const it: ModelServer = {
    url: `http://127.0.0.1:${address.port}`,
    mood,
    calls: false,
    connections: () => connections,
    chats,
  };
  return it;
}

function writeCall(response: ServerResponse, name: string): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const chunk = (delta: object, finish_reason: string | null): void => {
    const choices = [{ index: 0, delta, finish_reason }];
    const body = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', choices };
    response.write(`data: ${JSON.stringify(body)}\n\n`);
  };
  const call = { index: 0, id: 'call-1', type: 'function', function: { name, arguments: '{}' } };
  chunk({ tool_calls: [call] }, null);
  chunk({}, 'tool_calls');
  response.end('data: [DONE]\n\n');
}

function writeStream(response: ServerResponse, words: readonly string[], whole: boolean): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const chunk = (fields: object): void => {
    const body = { id: 'c', object: 'chat.completion.chunk', created: 1, model: 'm', ...fields };
    response.write(`data: ${JSON.stringify(body)}\n\n`);
  };
  for (const content of words) {
    chunk({ choices: [{ index: 0, delta: { content }, finish_reason: null }] });
  }
  if (!whole) {
    setTimeout(() => response.destroy(), 20);
    return;
  }
  chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
  const completion_tokens = words.length;
  chunk({
    choices: [],
    usage: { prompt_tokens: 10, completion_tokens, total_tokens: 10 + completion_tokens },
  });
  response.end('data: [DONE]\n\n');
}
