import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { failureClassOf } from '../../src/providers/failure.ts';
import {
  listAdapters,
  loadAdapter,
  unloadAdapter,
} from '../../src/providers/openai-compatible/lora.ts';
import { createOpenAiCompatibleProvider } from '../../src/providers/openai-compatible/openai-compatible-provider.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { machineClock } from '../providers/embedded/processes.ts';
import { testModelPath } from '../providers/embedded/test-model.ts';
import { contract } from './contract.ts';
import { PATIENT } from './deadlines.ts';
import { servedSubject } from './served-subject.ts';
import type { ServerProcess } from './servers/process.ts';
import { trainAdapter, writeWeights } from './servers/training.ts';
import { startVllm } from './servers/vllm.ts';
import { withServer } from './servers/with-server.ts';

const MODEL = 'smollm2-135m';
const ADAPTER = 'verdicts';
const SLOW_MS = 900_000;

function open(model: string, url: string): Provider {
  const id = `vllm:${model}`;
  return createOpenAiCompatibleProvider({
    id,
    model,
    url,
    deadlines: PATIENT,
    clock: machineClock,
  });
}

withServer('vLLM', 'AQE_LLM_TEST_VLLM', (venv) => {
  let folder: string;
  let server: ServerProcess;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'aqe-llm-vllm-'));
    const weights = join(folder, 'model');
    await writeWeights(venv, testModelPath(), weights);
    // Before the server starts: the two of them together would need twice the memory.
    await trainAdapter(venv, weights, join(folder, ADAPTER));
    server = await startVllm(venv, weights, MODEL);
  }, SLOW_MS);
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  }, SLOW_MS);

  contract('openai-compatible on vLLM', async () => {
    // The server goes on, for the adapter.
    const served = { server: { url: server.url, stop: async () => {} }, model: MODEL, open };
    return servedSubject(served, {
      seeds: true,
      embeds: false,
      countsTokens: true,
      requiredTools: 'asked',
    });
  });

  describe('LoRA on vLLM', { timeout: SLOW_MS }, () => {
    it('loads, lists, asks and unloads a trained adapter at run time', async () => {
      const where = { url: server.url, deadlines: PATIENT, clock: machineClock };
      const path = join(folder, ADAPTER);
      const adapted = open(ADAPTER, server.url);
      const plain = open(MODEL, server.url);
      const request = {
        messages: [
          { role: 'user' as const, content: 'Is this test flaky? It sleeps for a second.' },
        ],
        maxTokens: 16,
        temperature: 0,
        seed: 7,
        repeat: 0,
      };
      expect(await adapted.health()).toMatchObject({ state: 'unavailable' });

      await loadAdapter(where, { name: ADAPTER, path });
      expect(await listAdapters(where)).toEqual([
        { server: 'vllm', name: ADAPTER, parent: MODEL, path },
      ]);
      expect((await adapted.complete(request)).text).toMatch(/^VERDICT:/);
      expect((await plain.complete(request)).text).not.toMatch(/^VERDICT:/);

      await unloadAdapter(where, ADAPTER);
      expect(await listAdapters(where)).toEqual([]);
      const late = adapted.complete(request).catch((error: unknown) => failureClassOf(error));
      expect(await late).toBe('model-missing');
      await Promise.all([adapted.shutdown(), plain.shutdown()]);
    });
  });
});
