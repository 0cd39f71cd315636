import { z } from 'zod';
import type { Answer, Http } from '../http.ts';
import type { Probe, ServedModel, ServerKind } from './facts.ts';
import { llamaServerFacts, propsSchema } from './llama-server.ts';
import { readModels } from './models.ts';
import { ollamaFacts } from './ollama.ts';

const versionSchema = z.object({ version: z.string() });

/**
 * Finds out which server answers at an address, by what only it has: Ollama's `/api/version`, llama-server's
 * `/props`, vLLM's `/version`; whatever else lists models at `/v1/models` is taken for OpenAI-compatible.
 */
export async function probe(http: Http): Promise<Probe> {
  const ollama = await http.get('/api/version');
  if (ollama === undefined) {
    return {
      state: 'unreachable',
      detail: `nothing answers at ${http.url}`,
      hint: 'Start the server, or name its address with --url <address>.',
    };
  }
  const version = versionOf(ollama);
  if (version !== undefined) return { state: 'reachable', facts: await ollamaFacts(http, version) };
  const props = await http.get('/props');
  const read = propsSchema.safeParse(props?.json);
  if (props?.ok === true && read.success) {
    return { state: 'reachable', facts: await llamaServerFacts(http, read.data) };
  }
  const list = await http.get('/v1/models');
  const models = list?.ok === true ? readModels(list.json) : undefined;
  if (models !== undefined) {
    const known = versionOf(await http.get('/version'));
    return { state: 'reachable', facts: openAiFacts(models, known) };
  }
  return failed(http.url, list ?? ollama);
}

function openAiFacts(models: readonly ServedModel[], version: string | undefined) {
  const kind: ServerKind = version === undefined ? 'openai-compatible' : 'vllm';
  const adapters = models.filter(({ adapts }) => adapts !== null).map(({ id }) => id);
  return {
    kind,
    version: version ?? null,
    models,
    adapters: kind === 'vllm' ? adapters : null,
    slots: null,
    gpu: null,
  };
}

function failed(url: string, { status }: Answer): Probe {
  if (status === 503) {
    return {
      state: 'loading',
      detail: `the server at ${url} is not ready yet (HTTP 503)`,
      hint: 'Wait until it has loaded its model.',
    };
  }
  if (status === 401 || status === 403) {
    return {
      state: 'auth',
      detail: `the server at ${url} wants another key (HTTP ${status})`,
      hint: 'Name the variable that holds its key as apiKeyEnv of the server in the configuration.',
    };
  }
  return {
    state: 'unknown',
    detail: `something else answers at ${url} (HTTP ${status})`,
    hint: 'Give the address of Ollama, vLLM, llama-server or another OpenAI-compatible server, without /v1.',
  };
}

function versionOf(answer: Answer | undefined): string | undefined {
  return answer?.ok === true ? versionSchema.safeParse(answer.json).data?.version : undefined;
}
