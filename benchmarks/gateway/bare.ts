import { createServer } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Pool } from 'undici';

const [, , port, upstream = ''] = process.argv;
const pool = new Pool(upstream);

/** Hands requests and answers on, and does nothing else. */
const server = createServer((request, response) => {
  const method = request.method === 'POST' ? 'POST' : 'GET';
  void pool
    .request({
      method,
      path: request.url ?? '/',
      headers: { 'content-type': 'application/json' },
      body: method === 'POST' ? request : null,
    })
    .then(({ statusCode, headers, body }) => {
      response.writeHead(statusCode, { 'content-type': headers['content-type'] });
      return pipeline(body, response);
    })
    .catch(() => response.destroy());
});
// Longer than any run: nobody is to meet a connection that is just being closed.
server.keepAliveTimeout = 600_000;

server.listen(Number(port), '127.0.0.1');
