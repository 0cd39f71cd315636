import { createOpenAiCompatibleProvider } from '../../src/providers/openai-compatible/openai-compatible-provider.ts';
import { machineClock } from '../providers/embedded/processes.ts';
import { testModelPath } from '../providers/embedded/test-model.ts';
import { contract } from './contract.ts';
import { PATIENT } from './deadlines.ts';
import { servedSubject } from './served-subject.ts';
import { startLlamaServer } from './servers/llama-server.ts';
import { withServer } from './servers/with-server.ts';

withServer('llama-server', 'AQE_LLM_TEST_LLAMA_SERVER', (binary) => {
  contract('openai-compatible on llama-server', async () => {
    const model = 'smollm2-135m';
    const served = {
      server: await startLlamaServer(binary, testModelPath(), model),
      model,
      open: (name: string, url: string) =>
        createOpenAiCompatibleProvider({
          id: `llama-server:${name}`,
          model: name,
          url,
          deadlines: PATIENT,
          clock: machineClock,
          // A reused prefix is evaluated in other batches, and rounding then differs.
          cachePrompt: false,
        }),
    };
    return servedSubject(served, {
      seeds: true,
      embeds: true,
      countsTokens: true,
      requiredTools: 'asked',
    });
  });
});
