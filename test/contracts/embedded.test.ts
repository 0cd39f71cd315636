import { createEmbeddedProvider } from '../../src/providers/embedded/embedded-provider.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { machineClock } from '../providers/embedded/processes.ts';
import { testModelPath } from '../providers/embedded/test-model.ts';
import { contract } from './contract.ts';

contract('embedded', async () => {
  const open = (modelPath: string): Provider =>
    createEmbeddedProvider({
      modelId: 'smollm2-135m-instruct',
      modelPath,
      threads: 1,
      contextTokens: 1024,
      gpu: 'off',
      environment: process.env,
      clock: machineClock,
    });
  const provider = open(testModelPath());
  const withoutModel = open(`${testModelPath()}.nowhere`);
  return {
    provider,
    withoutModel,
    seeds: true,
    // The model writes; one with a pooling type embeds, see the provider's own tests.
    embeds: false,
    countsTokens: true,
    requiredTools: 'refused',
    runsWithoutTools: true,
    async close() {
      await Promise.all([provider.shutdown(), withoutModel.shutdown()]);
    },
  };
});
