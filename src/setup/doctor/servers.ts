import { z } from 'zod';
import type { Clock } from '../../core/clock.ts';
import type { Finding } from './finding.ts';

/** Milliseconds that a server on this machine has to answer. */
const TIMEOUT_MS = 1_500;

/** Base addresses, without a slash at the end. */
export interface ServerAddresses {
  ollama: string;
  vllm: string;
  llamaServer: string;
}

/** Where each server listens unless it is told otherwise. */
export const usualServers: ServerAddresses = {
  ollama: 'http://127.0.0.1:11434',
  vllm: 'http://127.0.0.1:8000',
  llamaServer: 'http://127.0.0.1:8080',
};

export interface ServerDeps {
  fetch: typeof fetch;
  clock: Clock;
  servers: ServerAddresses;
}

const versionSchema = z.object({ version: z.string() });
const modelsSchema = z.object({ data: z.array(z.object({ id: z.string() })) });
const statusSchema = z.object({ status: z.string() });

/** Asks each server that runs models for its health; none of them is required. */
export function examineServers(deps: ServerDeps): Promise<Finding[]> {
  return Promise.all([examineOllama(deps), examineVllm(deps), examineLlamaServer(deps)]);
}

async function examineOllama(deps: ServerDeps): Promise<Finding> {
  const base = { id: 'server.ollama', title: 'Ollama', required: false };
  const address = deps.servers.ollama;
  const answer = await get(`${address}/api/version`, deps);
  const version = versionSchema.safeParse(answer?.json);
  if (answer?.ok === true && version.success) {
    return { ...base, state: 'ok', detail: `version ${version.data.version} at ${address}` };
  }
  return { ...base, ...absence(answer, address) };
}

async function examineVllm(deps: ServerDeps): Promise<Finding> {
  const base = { id: 'server.vllm', title: 'vLLM', required: false };
  const address = deps.servers.vllm;
  const health = await get(`${address}/health`, deps);
  const models = health?.ok === true ? await get(`${address}/v1/models`, deps) : undefined;
  const list = modelsSchema.safeParse(models?.json);
  if (list.success) {
    const ids = list.data.data.map((model) => model.id).join(', ');
    return { ...base, state: 'ok', detail: `serves ${ids || 'no model'} at ${address}` };
  }
  return { ...base, ...absence(health, address) };
}

async function examineLlamaServer(deps: ServerDeps): Promise<Finding> {
  const base = { id: 'server.llama-server', title: 'llama-server', required: false };
  const address = deps.servers.llamaServer;
  const answer = await get(`${address}/health`, deps);
  const status = statusSchema.safeParse(answer?.json);
  if (answer?.ok === true && status.success) {
    return { ...base, state: 'ok', detail: `${status.data.status} at ${address}` };
  }
  if (answer?.status === 503) {
    return { ...base, state: 'warning', detail: `still loading its model at ${address}` };
  }
  return { ...base, ...absence(answer, address) };
}

function absence(answer: Answer | undefined, address: string): Pick<Finding, 'state' | 'detail'> {
  return answer === undefined
    ? { state: 'missing', detail: `nothing answers at ${address}` }
    : { state: 'missing', detail: `something else answers at ${address} (HTTP ${answer.status})` };
}

interface Answer {
  ok: boolean;
  status: number;
  /** Absent where the body is no JSON. */
  json: unknown;
}

/** `undefined` when nothing answers in time. */
async function get(url: string, deps: ServerDeps): Promise<Answer | undefined> {
  const ended = new AbortController();
  const late = new AbortController();
  deps.clock.sleep(TIMEOUT_MS, ended.signal).then(
    () => late.abort(),
    () => undefined,
  );
  try {
    const response = await deps.fetch(url, { signal: late.signal, redirect: 'manual' });
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
