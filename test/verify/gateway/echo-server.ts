import { createServer, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

/**
 * A model server whose answer is the last thing that was said to it, word for word, so that an answer
 * which belongs to another request, or lacks a piece, shows. Started as
 * `echo-server.ts <port> <model> <ms between two pieces>`.
 */
const [, , port, model, pauseMs] = process.argv;

const bodySchema = z.object({
  stream: z.boolean().optional(),
  messages: z.array(z.object({ role: z.string(), content: z.string().nullish() })).min(1),
});
const PIECES = 8;
const head = { id: 'echo', created: 1, model };

function pieces(text: string): string[] {
  const size = Math.max(1, Math.ceil(text.length / PIECES));
  return Array.from({ length: Math.ceil(text.length / size) }, (_, index) =>
    text.slice(index * size, (index + 1) * size),
  );
}

async function answer(text: string, stream: boolean, response: ServerResponse): Promise<void> {
  const usage = { prompt_tokens: 7, completion_tokens: PIECES, total_tokens: 7 + PIECES };
  if (!stream) {
    await sleep(PIECES * Number(pauseMs));
    const choice = { index: 0, message: { role: 'assistant', content: text } };
    json(response, { ...head, choices: [{ ...choice, finish_reason: 'stop' }], usage });
    return;
  }
  const send = (choices: readonly object[], more: object = {}): void => {
    const chunk = { ...head, object: 'chat.completion.chunk', choices, ...more };
    response.write(`data: ${JSON.stringify(chunk)}\n\n`);
  };
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  for (const content of pieces(text)) {
    await sleep(Number(pauseMs));
    send([{ index: 0, delta: { content }, finish_reason: null }]);
  }
  send([{ index: 0, delta: {}, finish_reason: 'stop' }]);
  send([], { usage });
  response.end('data: [DONE]\n\n');
}

function json(response: ServerResponse, value: object): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
}

createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    if (request.url === '/v1/models') {
      json(response, { data: [{ id: model, owned_by: 'vllm', max_model_len: 8_000_000 }] });
      return;
    }
    const asked = bodySchema.safeParse(
      request.url === '/v1/chat/completions' ? JSON.parse(body) : {},
    );
    if (!asked.success) {
      response.writeHead(404).end('{}');
      return;
    }
    const { messages, stream = false } = asked.data;
    void answer(messages.at(-1)?.content ?? '', stream, response);
  });
}).listen(Number(port), '127.0.0.1');
