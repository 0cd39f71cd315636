import type { OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';
import type { Dialect } from './dialect.ts';
import type { Failure } from './failures.ts';

/** Sends what comes piece by piece to a client that may be slow, or gone. */
export interface Delivery {
  /** Resolves when the client has room for more; `undefined` where it has so already. */
  write(text: string): Promise<void> | undefined;
  /** The last piece, and headers that were not known before. Does nothing after the end. */
  end(text: string, trailers?: Record<string, string>): void;
}

/**
 * Takes the answer out of the library's hands and begins it. A client that takes nothing for
 * `stalledMs` loses its connection, so that it cannot hold an answer up for ever.
 */
export function beginDelivery(
  reply: FastifyReply,
  headers: OutgoingHttpHeaders,
  stalledMs: number,
): Delivery {
  const raw = hijack(reply);
  raw.writeHead(200, headers);
  return {
    write(text) {
      if (text === '' || raw.destroyed || raw.writableEnded || raw.write(text)) return undefined;
      return drained(raw, stalledMs);
    },
    end(text, trailers = {}) {
      if (raw.destroyed || raw.writableEnded) return;
      raw.addTrailers(trailers);
      raw.end(text);
    },
  };
}

function drained(raw: ServerResponse, stalledMs: number): Promise<void> {
  return new Promise((resolve) => {
    const stalled = setTimeout(() => raw.destroy(), stalledMs);
    const done = (): void => {
      clearTimeout(stalled);
      raw.off('drain', done).off('close', done);
      resolve();
    };
    raw.once('drain', done).once('close', done);
  });
}

/** Milliseconds that a client has to notice that its body is not wanted. */
const LINGER_MS = 2000;

/** Tells a client of a failure where no answer has begun; does nothing after that. */
export function sendFailure(
  reply: FastifyReply,
  dialect: Dialect,
  failure: Failure,
  httpId: string,
): void {
  const raw = hijack(reply);
  if (raw.headersSent || raw.destroyed) return;
  const body = dialect.failureBody(failure, httpId);
  const { retryAfterSeconds: seconds } = failure;
  raw.writeHead(dialect.statusOf(failure), {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(body),
    // The official clients of OpenAI and Anthropic do as it says.
    'x-should-retry': String(failure.retryable),
    ...(seconds === undefined ? {} : { 'retry-after': String(seconds) }),
    ...(reply.request.raw.complete ? {} : { connection: 'close' }),
  });
  if (reply.request.raw.complete) raw.end(body);
  else endAfterBody(reply, body);
}

/** A client that is still sending would see its connection break before it reads the answer. */
function endAfterBody({ raw, request }: FastifyReply, body: string): void {
  raw.write(body);
  const end = (): void => {
    clearTimeout(late);
    raw.end();
  };
  const late = setTimeout(end, LINGER_MS);
  request.raw.once('end', end).once('close', end).resume();
}

function hijack(reply: FastifyReply): ServerResponse {
  if (!reply.sent) reply.hijack();
  // A write to a connection that broke a moment ago is no failure of ours.
  return reply.raw.on('error', () => {});
}
