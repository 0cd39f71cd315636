import { createAnthropicProvider } from '../../src/providers/anthropic/anthropic-provider.ts';
import { machineClock } from '../providers/embedded/processes.ts';
import { ANTHROPIC_KEY, ANTHROPIC_MODEL, startAnthropicServer } from './anthropic-server.ts';
import { contract } from './contract.ts';
import { PATIENT } from './deadlines.ts';
import { servedSubject } from './served-subject.ts';

contract('anthropic (loopback)', async () => {
  const loopback = await startAnthropicServer();
  const served = {
    server: { url: loopback.url, stop: () => loopback.close() },
    model: ANTHROPIC_MODEL,
    open: (model: string, at: string) =>
      createAnthropicProvider({
        id: `anthropic:${model}`,
        model,
        url: at,
        apiKey: ANTHROPIC_KEY,
        deadlines: PATIENT,
        clock: machineClock,
      }),
  };
  return servedSubject(served, {
    seeds: false,
    embeds: false,
    countsTokens: true,
    requiredTools: 'held',
  });
});
