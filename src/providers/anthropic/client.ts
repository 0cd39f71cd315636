import type Anthropic from '@anthropic-ai/sdk';
import type { Agent } from 'undici';
import type { Clock } from '../../core/clock.ts';
import { classify } from '../classify.ts';
import { ProviderFailure } from '../failure.ts';
import { withinTotal, type Deadlines } from '../http/deadlines.ts';

export interface AnthropicClientOptions {
  /** Base address without `/v1`. */
  url: string;
  /** Every call fails with class `auth` without one. */
  apiKey: string | undefined;
  deadlines: Deadlines;
  clock: Clock;
}

/** The official SDK, loaded by the first call: it would double the time that the program takes to start. */
export interface AnthropicClient {
  sdk(): Promise<Anthropic>;
  /**
   * A call that has no tokens. Throws `ProviderFailure`s only.
   * @param totalMs what it may take; by default what a small question needs
   */
  ask<Answer>(
    call: (sdk: Anthropic, options: { signal: AbortSignal }) => Promise<Answer>,
    signal?: AbortSignal,
    totalMs?: number,
  ): Promise<Answer>;
  /** Safe to call twice. */
  close(): Promise<void>;
}

/** A server that is well answers a small question within this time, in milliseconds. */
const QUESTION_MS = 10_000;

const KEY_HINT = 'Put a valid key into the environment variable that the configuration names.';
const TEMPERATURE_HINT = 'This model takes no temperature of its own: ask for 1, the default.';

export function createAnthropicClient(options: AnthropicClientOptions): AnthropicClient {
  const { url, apiKey, deadlines, clock } = options;
  const questionMs = Math.min(QUESTION_MS, deadlines.totalMs);
  let loading: Promise<{ client: Anthropic; agent: Agent }> | undefined;

  async function load(key: string): Promise<{ client: Anthropic; agent: Agent }> {
    const [library, http] = await Promise.all([import('@anthropic-ai/sdk'), import('undici')]);
    const agent = new http.Agent({
      connect: { timeout: deadlines.connectMs },
      // What comes after the connection is watched by the deadlines of the call.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
    const client = new library.default({
      baseURL: url,
      apiKey: key,
      // Else a second credential would be taken from the environment.
      authToken: null,
      // Retries are counted, billed and limited by whoever calls a provider.
      maxRetries: 0,
      timeout: deadlines.totalMs,
      logLevel: 'off',
      openTelemetry: false,
      fetch: (input, { method = 'GET', headers, body, signal } = {}) =>
        http.fetch(input instanceof Request ? input.url : input, {
          method,
          headers: Object.fromEntries(new Headers(headers)),
          body: typeof body === 'string' ? body : null,
          signal: signal ?? null,
          // The key goes to the address it was given for, and nowhere else.
          redirect: 'error',
          dispatcher: agent,
        }),
    });
    return { client, agent };
  }

  async function sdk(): Promise<Anthropic> {
    if (apiKey === undefined || apiKey === '') {
      throw new ProviderFailure('auth', 'There is no Anthropic key.', { hint: KEY_HINT });
    }
    loading ??= load(apiKey);
    return (await loading).client;
  }

  return {
    sdk,
    ask: (call, signal, totalMs = questionMs) =>
      withinTotal({ totalMs, clock, signal }, async (within) => {
        try {
          return await call(await sdk(), { signal: within });
        } catch (error) {
          throw await failureOf(error, within);
        }
      }),
    async close() {
      const loaded = await loading;
      loading = undefined;
      await loaded?.agent.destroy();
    },
  };
}

/**
 * The failure behind anything that a call threw.
 * @param signal the watch's; what it aborted with goes before the error that this led to
 */
export async function failureOf(thrown: unknown, signal: AbortSignal): Promise<ProviderFailure> {
  if (signal.aborted && signal.reason instanceof ProviderFailure) return signal.reason;
  if (thrown instanceof ProviderFailure) return thrown;
  const { AnthropicError, APIError } = await import('@anthropic-ai/sdk');
  if (thrown instanceof AnthropicError && !(thrown instanceof APIError)) {
    // What the SDK refuses by itself, as the results of a batch that has not ended.
    return new ProviderFailure('bad-request', thrown.message, { cause: thrown });
  }
  // The SDK gives an error that came inside a stream no status, and one that was no JSON no body.
  const answered = thrown instanceof APIError && (thrown.status ?? thrown.error) !== undefined;
  const { failure, message, retryAfterMs } = answered
    ? classify({
        status: thrown.status ?? 200,
        headers: Object.fromEntries(thrown.headers ?? []),
        body: thrown.error ?? thrown.message.replace(/^\d+ /, ''),
      })
    : classify({ error: thrown });
  const hint = hintFor(failure, message);
  return new ProviderFailure(failure, message, {
    retryAfterMs,
    cause: thrown,
    ...(hint === undefined ? {} : { hint }),
  });
}

function hintFor(failure: ProviderFailure['failure'], message: string): string | undefined {
  switch (failure) {
    case 'auth':
      return KEY_HINT;
    case 'bad-request':
      return /temperature/i.test(message) ? TEMPERATURE_HINT : undefined;
    case 'model-missing':
      return 'Choose a model that the key may use.';
    case 'transport':
    case 'timeout':
      return 'Look at the address of the server and at the network.';
    default:
      return undefined;
  }
}
