import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { listen, type Listening } from '../contracts/loopback.ts';

export interface EchoServer extends Listening {
  /** Last messages of all chats, in the order they came. */
  readonly prompts: readonly string[];
  /** The most chats that ran at once. */
  readonly most: number;
  /** Refuses everything while set. */
  down: boolean;
}

const bodySchema = z.looseObject({ messages: z.array(z.looseObject({ content: z.string() })) });

/**
 * A model that repeats its prompt after a moment, which is another one for each prompt.
 * @param slots how many chats it says to take at once, as llama-server does
 */
export async function startEchoServer({ slots = 4, waitMs = 5 } = {}): Promise<EchoServer> {
  const prompts: string[] = [];
  let running = 0;
  let most = 0;

  async function chat(text: string, response: ServerResponse): Promise<void> {
    const prompt = bodySchema.parse(JSON.parse(text)).messages.at(-1)?.content ?? '';
    prompts.push(prompt);
    running += 1;
    most = Math.max(most, running);
    await sleep(waitMs + (prompt.length % 3) * waitMs);
    running -= 1;
    if (prompt.includes('refuse me')) {
      const error = { message: 'this prompt is refused', type: 'invalid_request_error', code: 400 };
      response.writeHead(400, { 'content-type': 'application/json' });
      response.end(JSON.stringify({ error }));
      return;
    }
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const chunk = (fields: object): void =>
      void response.write(
        `data: ${JSON.stringify({ object: 'chat.completion.chunk', ...fields })}\n\n`,
      );
    chunk({ choices: [{ index: 0, delta: { content: `echo: ${prompt}` }, finish_reason: null }] });
    chunk({ choices: [{ index: 0, delta: {}, finish_reason: 'stop' }] });
    chunk({ choices: [], usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 } });
    response.end('data: [DONE]\n\n');
  }

  const server = createServer((request, response) => {
    const json = (body: unknown, status = 200): void =>
      void response
        .writeHead(status, { 'content-type': 'application/json' })
        .end(JSON.stringify(body));
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    request.on('end', () => {
      if (it.down) return json({ error: { message: 'out of order', type: 'server_error' } }, 500);
      if (request.url === '/v1/models') {
        return json({
          object: 'list',
          data: [{ id: 'echo', object: 'model', owned_by: 'llamacpp' }],
        });
      }
      if (request.url === '/props') {
        return json({ total_slots: slots, default_generation_settings: { n_ctx: 4096 } });
      }
      if (request.url !== '/v1/chat/completions')
        return json({ error: { message: 'no path' } }, 404);
      chat(text, response).catch(() => response.destroy());
    });
  });
  const it: EchoServer = {
    ...(await listen(server)),
    prompts,
    get most() {
      return most;
    },
    down: false,
  };
  return it;
}
