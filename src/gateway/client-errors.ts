import { STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError } from '../core/errors.ts';
import type { Dialect } from './dialect.ts';
import { failureOf } from './failures.ts';
import { OPENAI } from './openai/dialect.ts';

/** Whose requests came over a connection, so that a request that breaks off is answered as they are. */
const spoken = new WeakMap<Socket, Dialect>();

export function remember(socket: Socket, dialect: Dialect): void {
  spoken.set(socket, dialect);
}

/**
 * Answers what is no HTTP, came too slowly or broke off in the middle, and closes the connection.
 * Nothing can be answered where an answer has begun.
 */
export function answerClientErrors(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.bytesWritten > 0) {
    socket.destroy();
    return;
  }
  const dialect = spoken.get(socket) ?? OPENAI;
  const failure = failureOf(errorFor(error.code));
  const status = dialect.statusOf(failure);
  const body = dialect.failureBody(failure, '');
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    'content-type: application/json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function errorFor(code: string | undefined): AppError {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return new AppError('gateway.too-slow', 'The request took too long to come.');
  }
  if (code === 'HPE_INVALID_EOF_STATE') {
    return new AppError('gateway.half-closed', 'The connection was closed within the request.');
  }
  return new AppError('gateway.invalid-http', `The request is no HTTP: ${code ?? 'unknown'}.`);
}
