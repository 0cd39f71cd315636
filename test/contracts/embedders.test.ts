import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { z } from 'zod';
import type { Embedder } from '../../src/patterns/embedders/embedder.ts';
import { createProviderEmbedder } from '../../src/patterns/embedders/provider-embedder.ts';
import { dot } from '../../src/patterns/index/flat.ts';
import { createOllamaProvider } from '../../src/providers/ollama/ollama-provider.ts';
import { createOpenAiCompatibleProvider } from '../../src/providers/openai-compatible/openai-compatible-provider.ts';
import { machineClock as clock } from '../providers/embedded/processes.ts';
import { PATIENT as deadlines } from './deadlines.ts';
import { startLlamaServer } from './servers/llama-server.ts';
import { startOllama } from './servers/ollama.ts';
import { withServer } from './servers/with-server.ts';

const MODEL = fileURLToPath(new URL('../../models/all-minilm-l6-v2-q8_0.gguf', import.meta.url));
const NAME = 'all-minilm';
const reference = z
  .array(z.object({ text: z.string(), tokens: z.array(z.int()), vector: z.array(z.number()) }))
  .parse(
    JSON.parse(
      readFileSync(new URL('../patterns/fixtures/minilm-reference.json', import.meta.url), 'utf8'),
    ),
  );

/** What Ollama cuts into the model's tokens as the original does: it keeps accents and knows some signs otherwise. */
const PLAIN = /^[\w\s.,:;?'()[\]/-]+$/;

/** The packaged weights behind a server give the original model's vectors, in batches and for long texts too. */
async function proves(embedder: Embedder, which = /^/): Promise<void> {
  const short = reference.filter(({ text, tokens }) => tokens.length < 250 && which.test(text));
  expect(short.length).toBeGreaterThan(10);
  // More than one call's worth.
  const texts = Array.from({ length: 3 }, () => short).flat();
  const vectors = await embedder.embed(texts.map(({ text }) => text));
  expect(await embedder.dimension()).toBe(384);
  expect(vectors).toHaveLength(texts.length);
  for (const [index, { text, vector }] of texts.entries()) {
    const own = vectors[index] ?? new Float32Array();
    expect(dot(own, Float32Array.from(vector)), text).toBeGreaterThan(0.999);
  }
  const [long = new Float32Array()] = await embedder.embed(['interval merging '.repeat(900)]);
  const [same = new Float32Array()] = await embedder.embed(['interval merging']);
  expect(dot(long, long)).toBeCloseTo(1, 4);
  expect(dot(long, same)).toBeGreaterThan(0.5);
}

withServer('embedder on llama-server', 'AQE_LLM_TEST_LLAMA_SERVER', (binary) => {
  it('a llama-server embeds as the embedded engine does', async () => {
    const server = await startLlamaServer(binary, MODEL, NAME);
    const provider = createOpenAiCompatibleProvider({
      id: `llama-server:${NAME}`,
      model: NAME,
      url: server.url,
      deadlines,
      clock,
    });
    try {
      await proves(createProviderEmbedder(provider));
    } finally {
      await provider.shutdown();
      await server.stop();
    }
  });
});

withServer('embedder on Ollama', 'AQE_LLM_TEST_OLLAMA', (binary) => {
  it('an Ollama embeds plain texts as the embedded engine does', async () => {
    const server = await startOllama(binary, MODEL, NAME);
    const provider = createOllamaProvider({
      id: `ollama:${NAME}`,
      model: NAME,
      url: server.url,
      deadlines,
      clock,
    });
    try {
      await proves(createProviderEmbedder(provider), PLAIN);
    } finally {
      await provider.shutdown();
      await server.stop();
    }
  });
});
