import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import { classify } from '../classify.ts';
import { ProviderFailure } from '../failure.ts';
import { withinTotal, type Deadlines } from '../http/deadlines.ts';
import { createHttpClient, type HttpClient } from '../http/http-client.ts';
import { describeServer } from './server.ts';

/** A LoRA adapter that a server has loaded. */
export type Adapter =
  /** vLLM: asked for by its name, as if it were a model. */
  | { server: 'vllm'; name: string; parent: string; path?: string }
  /** llama-server: mixed into every answer by its scale; 0 is off. */
  | { server: 'llama-server'; id: number; path: string; scale: number };

export interface AdapterServer {
  /** Without `/v1`. */
  url: string;
  apiKey?: string | undefined;
  deadlines: Pick<Deadlines, 'connectMs' | 'totalMs'>;
  clock: Clock;
}

const scalesSchema = z.array(
  z.looseObject({ id: z.int().min(0), path: z.string(), scale: z.number() }),
);

/** The adapters of a server; none for one that knows no adapters. */
export function listAdapters(server: AdapterServer): Promise<Adapter[]> {
  return withClient(server, async (client, signal) => {
    const { kind, models = [] } = await describeServer(client, signal);
    if (kind === 'llama-server') {
      const call = { method: 'GET' as const, path: '/lora-adapters', signal };
      const adapters = await client.requestJson(scalesSchema, call);
      return adapters.map(({ id, path, scale }) => ({ server: kind, id, path, scale }));
    }
    return models.flatMap(({ id: name, parent, root }): Adapter[] =>
      parent === undefined
        ? []
        : [{ server: 'vllm', name, parent, ...(root === undefined ? {} : { path: root }) }],
    );
  });
}

/**
 * Loads an adapter into vLLM; `path` is a folder on the server's machine.
 * Throws `bad-request` for one that is not there, or is loaded already, and `unsupported` where the
 * server was started without VLLM_ALLOW_RUNTIME_LORA_UPDATING.
 */
export function loadAdapter(
  server: AdapterServer,
  adapter: { name: string; path: string },
): Promise<void> {
  const body = { lora_name: adapter.name, lora_path: adapter.path };
  return withClient(server, (client, signal) =>
    post(client, { path: '/v1/load_lora_adapter', body, signal }),
  );
}

/** Unloads an adapter from vLLM; otherwise as `loadAdapter`. */
export function unloadAdapter(server: AdapterServer, name: string): Promise<void> {
  return withClient(server, (client, signal) =>
    post(client, { path: '/v1/unload_lora_adapter', body: { lora_name: name }, signal }),
  );
}

/** Sets the scales of adapters that llama-server was started with; those not named are turned off. */
export function scaleAdapters(
  server: AdapterServer,
  scales: readonly { id: number; scale: number }[],
): Promise<void> {
  return withClient(server, (client, signal) =>
    post(client, { path: '/lora-adapters', body: scales, signal }),
  );
}

/** vLLM answers these in plain text. */
async function post(
  client: HttpClient,
  call: { path: string; body: unknown; signal: AbortSignal },
): Promise<void> {
  const { status, headers, text } = await client.send(call);
  if (status < 300) return;
  const { failure, message } = classify({ status, headers, body: text });
  if (failure !== 'unsupported') throw new ProviderFailure(failure, message);
  // vLLM answers 404 for an adapter that it does not find, too.
  if (/adapter|lora/i.test(message)) throw new ProviderFailure('bad-request', message);
  throw new ProviderFailure(failure, message, {
    hint: 'vLLM loads adapters at run time when started with --enable-lora and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True.',
  });
}

async function withClient<T>(
  { url, apiKey, deadlines, clock }: AdapterServer,
  run: (client: HttpClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const { connectMs, totalMs } = deadlines;
  const client = createHttpClient({ url: url.replace(/\/v1\/?$/, ''), connectMs, apiKey });
  try {
    return await withinTotal({ totalMs, clock }, (signal) => run(client, signal));
  } finally {
    await client.close();
  }
}
