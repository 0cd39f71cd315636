import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../../src/core/clock.ts';
import type { Completion, CompletionRequest } from '../../../src/core/request.ts';
import type { Provider, StreamEvent } from '../../../src/providers/provider.ts';

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms, undefined, signal === undefined ? {} : { signal }),
};

export const deadlines = {
  connectMs: 5000,
  firstTokenMs: 30_000,
  idleMs: 30_000,
  totalMs: 60_000,
};

export function requestOf(content: string, maxTokens = 8): CompletionRequest {
  return { messages: [{ role: 'user', content }], maxTokens, temperature: 0, seed: 1, repeat: 0 };
}

type Answer = (response: ServerResponse, body: unknown, request: IncomingMessage) => unknown;

export interface Loopback {
  url: string;
  /** Every request so far, as `POST /path`. */
  asked: string[];
  /** The bodies of the requests to one path. */
  bodiesOf: (path: string) => unknown[];
  /** How many connections were opened. */
  connections: () => number;
}

/** A server of the given answers by path; what has none is answered with 404 as a web framework does. */
export async function startLoopback(answers: Record<string, Answer>): Promise<Loopback> {
  const asked: string[] = [];
  const bodies: { path: string; body: unknown }[] = [];
  let connections = 0;
  const server = createServer((request, response) => {
    let text = '';
    request.setEncoding('utf8').on('data', (piece: string) => (text += piece));
    request.on('end', () => {
      const path = request.url ?? '';
      const body: unknown = text === '' ? undefined : JSON.parse(text);
      asked.push(`${request.method} ${path}`);
      bodies.push({ path, body });
      const answer = answers[path];
      if (answer === undefined) response.writeHead(404).end('404 page not found');
      else answer(response, body, request);
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
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    bodiesOf: (path) => bodies.filter((it) => it.path === path).map(({ body }) => body),
    connections: () => connections,
  };
}

export function json(value: unknown, status = 200): Answer {
  return (response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
}

/** Sends lines as a stream; `open` leaves it without an end, `broken` resets the connection. */
export function lines(
  contentType: string,
  written: readonly string[],
  end: 'whole' | 'open' | 'broken' = 'whole',
): Answer {
  return (response) => {
    response.writeHead(200, { 'content-type': contentType });
    response.write(written.join(''), () => {
      if (end === 'whole') response.end();
      if (end === 'broken') response.destroy();
    });
  };
}

export function opened(provider: Provider): Provider {
  onTestFinished(() => provider.shutdown());
  return provider;
}

export async function readAll(
  stream: AsyncIterable<StreamEvent>,
): Promise<{ texts: string[]; completion: Completion | undefined }> {
  const texts: string[] = [];
  for await (const event of stream) {
    if (event.type === 'finished') return { texts, completion: event.completion };
    if (event.type !== 'tool-call') texts.push(event.text);
  }
  return { texts, completion: undefined };
}
