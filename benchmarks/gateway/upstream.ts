import { createServer } from 'node:http';

const [, , port, MODEL] = process.argv;
/** Pieces of text in the answer, and so its tokens. */
const PIECES = 8;

const words = Array.from({ length: PIECES }, (_, index) => ` word${index}`);
const usage = { prompt_tokens: 30, completion_tokens: PIECES, total_tokens: 30 + PIECES };
const head = { id: 'c', created: 1, model: MODEL };

const WHOLE = JSON.stringify({
  ...head,
  object: 'chat.completion',
  choices: [
    {
      index: 0,
      message: { role: 'assistant', content: words.join('') },
      finish_reason: 'stop',
    },
  ],
  usage,
});

const event = (choices: readonly object[], more: object = {}): string =>
  `data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', choices, ...more })}\n\n`;

const STREAM = [
  event([{ index: 0, delta: { role: 'assistant', content: '' }, finish_reason: null }]),
  ...words.map((content) => event([{ index: 0, delta: { content }, finish_reason: null }])),
  event([{ index: 0, delta: {}, finish_reason: 'stop' }]),
  event([], { usage }),
  'data: [DONE]\n\n',
].join('');

const MODELS = JSON.stringify({
  object: 'list',
  data: [{ id: MODEL, object: 'model', owned_by: 'vllm', max_model_len: 32_768 }],
});

/** Answers every question at once with the same words, streamed where that is asked for. */
const server = createServer((request, response) => {
  let body = '';
  request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
  request.on('end', () => {
    const isJson = { 'content-type': 'application/json' };
    if (request.url === '/v1/models') response.writeHead(200, isJson).end(MODELS);
    else if (request.url !== '/v1/chat/completions') response.writeHead(404, isJson).end('{}');
    else if (/"stream":\s*true/.test(body)) {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end(STREAM);
    } else response.writeHead(200, isJson).end(WHOLE);
  });
});
// Longer than any run: nobody is to meet a connection that is just being closed.
server.keepAliveTimeout = 600_000;

server.listen(Number(port), '127.0.0.1');
