import type { Clock } from '../core/clock.ts';

/** What a server said. */
export interface Answer {
  status: number;
  ok: boolean;
  text: string;
  /** Absent where the body is no JSON. */
  json: unknown;
}

/** Asks one server, within a time. */
export interface Http {
  /** The server's base address, without a slash at its end. */
  url: string;
  /** `undefined` when nothing answers in time. */
  get(path: string): Promise<Answer | undefined>;
  /** @param timeoutMs how long this one may take */
  post(path: string, body: unknown, timeoutMs: number): Promise<Answer | undefined>;
}

/** Milliseconds that a server has to say something about itself. */
const ASK_MS = 3000;

/** @param options.apiKey sent as a bearer token */
export function createHttp(options: {
  url: string;
  apiKey: string | undefined;
  fetch: typeof fetch;
  clock: Clock;
  signal: AbortSignal;
}): Http {
  const url = options.url.replace(/\/+$/, '');
  const ask = async (path: string, init: RequestInit, timeoutMs: number) => {
    const ended = new AbortController();
    const late = new AbortController();
    options.clock.sleep(timeoutMs, ended.signal).then(
      () => late.abort(),
      () => undefined,
    );
    try {
      const response = await options.fetch(`${url}${path}`, {
        ...init,
        redirect: 'manual',
        signal: AbortSignal.any([late.signal, options.signal]),
        headers: {
          'content-type': 'application/json',
          ...(options.apiKey === undefined ? {} : { authorization: `Bearer ${options.apiKey}` }),
        },
      });
      const text = await response.text();
      return { status: response.status, ok: response.ok, text, json: parse(text) };
    } catch {
      options.signal.throwIfAborted();
      return undefined;
    } finally {
      ended.abort();
    }
  };
  return {
    url,
    get: (path) => ask(path, {}, ASK_MS),
    post: (path, body, timeoutMs) =>
      ask(path, { method: 'POST', body: JSON.stringify(body) }, timeoutMs),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
