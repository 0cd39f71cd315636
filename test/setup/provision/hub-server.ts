import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** How one request is answered; without any of these it is served as the contract says. */
export interface HubAnswer {
  status?: number;
  /** Sent instead of the content. */
  body?: Buffer;
  /** The whole file comes, whatever range was asked for. */
  ignoreRange?: boolean;
  /** The connection breaks after so many bytes of this answer. */
  cutAfter?: number;
  /** The answer ends in good order after so many bytes, its length not announced. */
  endAfter?: number;
  /** After so many bytes nothing more comes, and the connection stays open. */
  stallAfter?: number;
  /** Milliseconds between pieces of 20,000 bytes. */
  pieceDelayMs?: number;
  redirect?: string;
  etag?: string;
  headers?: Record<string, string>;
}

interface HubRequest {
  url: string | undefined;
  range: string | undefined;
  ifRange: string | undefined;
  authorization: string | undefined;
}

export interface Hub {
  endpoint: string;
  requests: HubRequest[];
}

/** A loopback server that serves one file by ranges; the n-th request gets the n-th answer, later ones the last. */
export async function startHub(content: Buffer, ...answers: HubAnswer[]): Promise<Hub> {
  const requests: HubRequest[] = [];
  const server = createServer((request, response) => {
    requests.push({
      url: request.url,
      range: request.headers.range,
      ifRange: request.headers['if-range']?.toString(),
      authorization: request.headers.authorization,
    });
    const answer = answers[Math.min(requests.length, answers.length) - 1] ?? {};
    serve(request, response, content, answer).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve);
  });
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return { endpoint: `http://127.0.0.1:${address.port}`, requests };
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  content: Buffer,
  answer: HubAnswer,
): Promise<void> {
  if (answer.redirect !== undefined) {
    response.writeHead(302, { location: answer.redirect }).end();
    return;
  }
  if (answer.status !== undefined) {
    response.writeHead(answer.status, answer.headers).end('{"error":"no"}');
    return;
  }
  const whole = answer.body ?? content;
  const etag = answer.etag ?? '"v1"';
  const start = startOf(request, etag, answer);
  const body = whole.subarray(start);
  const headers = {
    etag,
    ...(answer.endAfter === undefined ? { 'content-length': String(body.length) } : {}),
    ...answer.headers,
  };
  if (start > 0) {
    response.writeHead(206, {
      'content-range': `bytes ${start}-${whole.length - 1}/${whole.length}`,
      ...headers,
    });
  } else response.writeHead(200, headers);
  const last = answer.cutAfter ?? answer.endAfter ?? answer.stallAfter ?? body.length;
  for (let at = 0; at < last; at += 20_000) {
    const piece = body.subarray(at, Math.min(at + 20_000, last));
    await new Promise<void>((resolve) => {
      response.write(piece, () => resolve());
    });
    if (answer.pieceDelayMs !== undefined) await sleep(answer.pieceDelayMs);
  }
  if (answer.stallAfter !== undefined) return;
  if (answer.cutAfter === undefined) {
    response.end();
    return;
  }
  // Time for the bytes to arrive before the reset overtakes them.
  await sleep(20);
  response.socket?.resetAndDestroy();
}

function startOf(request: IncomingMessage, etag: string, answer: HubAnswer): number {
  const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1];
  const condition = request.headers['if-range'];
  const isSame = condition === undefined || condition === etag;
  return asked === undefined || answer.ignoreRange === true || !isSame ? 0 : Number(asked);
}
