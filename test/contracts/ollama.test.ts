import { createOllamaProvider } from '../../src/providers/ollama/ollama-provider.ts';
import { machineClock } from '../providers/embedded/processes.ts';
import { testModelPath } from '../providers/embedded/test-model.ts';
import { contract } from './contract.ts';
import { PATIENT } from './deadlines.ts';
import { servedSubject } from './served-subject.ts';
import { startOllama } from './servers/ollama.ts';
import { withServer } from './servers/with-server.ts';

withServer('ollama', 'AQE_LLM_TEST_OLLAMA', (binary) => {
  contract('ollama', async () => {
    const model = 'smollm2-135m';
    const served = {
      server: await startOllama(binary, testModelPath(), model),
      model,
      open: (name: string, url: string) =>
        createOllamaProvider({
          id: `ollama:${name}`,
          model: name,
          url,
          deadlines: PATIENT,
          clock: machineClock,
          contextTokens: 1024,
        }),
    };
    return servedSubject(served, {
      seeds: true,
      embeds: true,
      countsTokens: false,
      requiredTools: 'refused',
    });
  });
});
