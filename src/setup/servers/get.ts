import type { Clock } from '../../core/clock.ts';

/** Milliseconds that a server has to say what it is. */
const TIMEOUT_MS = 3_000;

export interface GetDeps {
  fetch: typeof fetch;
  clock: Clock;
}

export interface Answer {
  ok: boolean;
  status: number;
  /** Absent where the body is no JSON. */
  json: unknown;
}

/** `undefined` when nothing answers in time. A redirect is an answer of its own, so that a key goes nowhere else. */
export async function get(
  url: string,
  deps: GetDeps,
  headers: Readonly<Record<string, string>> = {},
): Promise<Answer | undefined> {
  const ended = new AbortController();
  const late = new AbortController();
  deps.clock.sleep(TIMEOUT_MS, ended.signal).then(
    () => late.abort(),
    () => undefined,
  );
  try {
    const response = await deps.fetch(url, { headers, signal: late.signal, redirect: 'manual' });
    const text = await response.text();
    return { ok: response.ok, status: response.status, json: parse(text) };
  } catch {
    return undefined;
  } finally {
    ended.abort();
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
