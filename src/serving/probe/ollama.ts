import { z } from 'zod';
import type { Http } from '../http.ts';
import type { ServerFacts } from './facts.ts';

const tagsSchema = z.object({ models: z.array(z.object({ name: z.string() })) });
const runningSchema = z.object({
  models: z.array(
    z.object({
      name: z.string(),
      size_vram: z.number().optional(),
      context_length: z.number().optional(),
    }),
  ),
});
const loadSchema = z.object({ load_duration: z.number().optional() });

/** Nanoseconds of a millisecond. */
const NANOSECONDS = 1e6;

/** What an Ollama has and holds in memory. Only a model in memory has a context length. */
export async function ollamaFacts(http: Http, version: string): Promise<ServerFacts> {
  const tags = tagsSchema.safeParse((await http.get('/api/tags'))?.json).data?.models ?? [];
  const running = runningSchema.safeParse((await http.get('/api/ps'))?.json).data?.models ?? [];
  return {
    kind: 'ollama',
    version,
    models: tags.map(({ name }) => {
      const held = running.find((model) => model.name === name);
      return {
        id: name,
        contextTokens: held?.context_length ?? null,
        loaded: held !== undefined,
        adapts: null,
      };
    }),
    adapters: null,
    slots: null,
    gpu: running.length === 0 ? null : running.some((model) => (model.size_vram ?? 0) > 0),
  };
}

/**
 * Loads a model, out of memory first if it is there.
 * @returns milliseconds that loading took by the server's own clock, or `undefined` when it did not load
 */
export async function loadOllama(
  http: Http,
  model: string,
  timeoutMs: number,
): Promise<number | undefined> {
  await http.post('/api/generate', { model, keep_alive: 0 }, timeoutMs);
  const answer = await http.post('/api/generate', { model }, timeoutMs);
  const took = loadSchema.safeParse(answer?.json).data?.load_duration;
  return answer?.ok === true && took !== undefined ? took / NANOSECONDS : undefined;
}
