import { Pool } from 'undici';
import type { z } from 'zod';
import { classify, type Evidence } from '../classify.ts';
import { ProviderFailure, type FailureClass } from '../failure.ts';
import { cancelledFailure } from './deadlines.ts';

/** Bodies beyond this are refused: embeddings of a large batch stay far below. */
const MAX_BODY_BYTES = 64 * 1024 * 1024;
/** What is read of a body that tells of an error. */
const MAX_ERROR_BYTES = 64 * 1024;
/** How long a server has to end a stream whose end mark it has sent. */
const TAIL_MS = 1000;

export interface HttpRequest {
  method?: 'GET' | 'POST';
  /** Below the server's address, with its leading slash. */
  path: string;
  /** Sent as JSON. */
  body?: unknown;
  /** The connection is not used again: for servers that close it after an answer without saying so. */
  last?: boolean;
  /** A `ProviderFailure` as its reason is thrown as it is. */
  signal: AbortSignal;
}

export interface HttpAnswer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

/** The bytes of an answer as they come. Leaving the loop early closes the connection. */
export interface HttpStream extends AsyncIterable<Uint8Array> {
  /** The end mark came: what may follow is read in the background, so that the connection is used again. */
  complete(): void;
}

/** One server. Nothing is retried and no redirect is followed; every failure is a `ProviderFailure`. */
export interface HttpClient {
  /** Any status. */
  send(request: HttpRequest): Promise<HttpAnswer>;
  /** The body of an answer with status 2xx, which `schema` must take. */
  requestJson<T>(schema: z.ZodType<T>, request: HttpRequest): Promise<T>;
  /** An answer with status 2xx and the content type asked for. */
  openStream(request: HttpRequest, contentType: string): Promise<HttpStream>;
  /** Ends every call, as `cancelled`. Safe to call twice. */
  close(): Promise<void>;
}

export interface HttpClientOptions {
  /** Base address; a path in it goes before every request's. */
  url: string;
  connectMs: number;
  /** Sent as a bearer token. */
  apiKey?: string | undefined;
  /** What the user can do about a failure. */
  hintOf?: (failure: FailureClass) => string | undefined;
}

export function createHttpClient(options: HttpClientOptions): HttpClient {
  const { origin, pathname } = new URL(options.url);
  const prefix = pathname.replace(/\/+$/, '');
  const pool = new Pool(origin, {
    connect: { timeout: options.connectMs },
    // The watch over each call knows better what is late; see deadlines.ts.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const authorization =
    options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` };
  let closed = false;

  function failureFrom(evidence: Evidence): ProviderFailure {
    const { failure, message, retryAfterMs } = classify(evidence);
    const hint =
      options.hintOf?.(failure) ??
      (failure === 'transport'
        ? `Is the server running? Its address here is ${origin}.`
        : undefined);
    return new ProviderFailure(failure, message, {
      retryAfterMs,
      ...(hint === undefined ? {} : { hint }),
      ...(evidence.error === undefined ? {} : { cause: evidence.error }),
    });
  }

  /** What to throw for something thrown on the way. */
  function failureOf(error: unknown, signal: AbortSignal): ProviderFailure {
    if (signal.aborted && signal.reason instanceof ProviderFailure) return signal.reason;
    if (error instanceof ProviderFailure) return error;
    return closed ? cancelledFailure() : failureFrom({ error });
  }

  /** A connection that breaks inside an answer has cut it off. */
  function breakOf(error: unknown, signal: AbortSignal): ProviderFailure {
    const failure = failureOf(error, signal);
    if (failure.failure !== 'transport') return failure;
    return new ProviderFailure('truncated-stream', 'The connection broke within the answer.', {
      cause: error,
    });
  }

  async function begin({
    method = 'POST',
    path,
    body,
    last = false,
    signal,
  }: HttpRequest): Promise<Begun> {
    if (closed) throw cancelledFailure();
    try {
      signal.throwIfAborted();
      return await pool.request({
        method,
        path: prefix + path,
        headers: {
          ...authorization,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        body: body === undefined ? null : JSON.stringify(body),
        reset: last,
        signal,
      });
    } catch (error) {
      throw failureOf(error, signal);
    }
  }

  /** An answer that is an error, or none that was asked for. */
  function unexpected({ status, headers, text }: HttpAnswer): ProviderFailure {
    if (status >= 300 || tellsOfError(parseJson(text))) {
      return failureFrom({ status, headers, body: text });
    }
    const type = typeOf(headers) || 'no content type';
    return new ProviderFailure(
      'malformed',
      `The answer is not what the protocol promises (${type}).`,
    );
  }

  /** @param limit bytes; beyond it an answer is cut off if it is an error, and refused if it is not */
  async function readText(
    { body, statusCode }: Begun,
    signal: AbortSignal,
    limit: number,
  ): Promise<string> {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for await (const chunk of body) {
        if (!(chunk instanceof Uint8Array)) continue;
        chunks.push(chunk);
        bytes += chunk.length;
        if (bytes <= limit) continue;
        if (statusCode >= 300) break;
        throw new ProviderFailure('malformed', `The answer is longer than ${limit} bytes.`);
      }
    } catch (error) {
      throw breakOf(error, signal);
    }
    return new TextDecoder().decode(Buffer.concat(chunks));
  }

  async function send(request: HttpRequest): Promise<HttpAnswer> {
    const begun = await begin(request);
    const limit = begun.statusCode >= 300 ? MAX_ERROR_BYTES : MAX_BODY_BYTES;
    const text = await readText(begun, request.signal, limit);
    return { status: begun.statusCode, headers: begun.headers, text };
  }

  async function* bytesOf(
    body: Begun['body'],
    signal: AbortSignal,
    isComplete: () => boolean,
  ): AsyncGenerator<Uint8Array> {
    try {
      for await (const chunk of body.iterator({ destroyOnReturn: false })) {
        if (chunk instanceof Uint8Array) yield chunk;
      }
    } catch (error) {
      throw breakOf(error, signal);
    } finally {
      body.on('error', () => {});
      if (!isComplete()) body.destroy();
      else if (!body.readableEnded) {
        const late = setTimeout(() => body.destroy(), TAIL_MS).unref();
        body.once('close', () => clearTimeout(late)).resume();
      }
    }
  }

  return {
    send,
    async requestJson(schema, request) {
      const { status, headers, text } = await send(request);
      if (status >= 300) throw unexpected({ status, headers, text });
      const parsed = schema.safeParse(parseJson(text));
      if (parsed.success) return parsed.data;
      throw unexpected({ status, headers, text });
    },
    async openStream(request, contentType) {
      const begun = await begin(request);
      const { statusCode: status, headers, body } = begun;
      if (status >= 300 || !typeOf(headers).startsWith(contentType)) {
        const text = await readText(begun, request.signal, MAX_ERROR_BYTES);
        throw unexpected({ status, headers, text });
      }
      let complete = false;
      const bytes = bytesOf(body, request.signal, () => complete);
      return {
        complete() {
          complete = true;
        },
        [Symbol.asyncIterator]: () => bytes,
      };
    },
    async close() {
      closed = true;
      await pool.destroy();
    },
  };
}

type Begun = Awaited<ReturnType<Pool['request']>>;

function typeOf(headers: HttpAnswer['headers']): string {
  return String(headers['content-type'] ?? '').toLowerCase();
}

/** Whether a body or an event says that something failed, in any of the servers' ways. */
export function tellsOfError(parsed: unknown): boolean {
  if (typeof parsed !== 'object' || parsed === null) return false;
  // vLLM's older errors are flat.
  if ('object' in parsed && parsed.object === 'error') return true;
  return 'error' in parsed && parsed.error !== null && parsed.error !== undefined;
}

/** `undefined` for what is no JSON. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
