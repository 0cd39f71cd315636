import { createAnthropicProvider } from '../../src/providers/anthropic/anthropic-provider.ts';
import type { Provider } from '../../src/providers/provider.ts';
import { machineClock } from '../providers/embedded/processes.ts';
import { ANTHROPIC_KEY, ANTHROPIC_MODEL, startAnthropicServer } from './anthropic-server.ts';
import { contract } from './contract.ts';
import { PATIENT } from './deadlines.ts';
import { freePort } from './loopback.ts';
import { startRelay } from './relay.ts';

contract('anthropic (loopback)', async () => {
  const server = await startAnthropicServer();
  const relay = await startRelay(server.url);
  const deadUrl = `http://127.0.0.1:${await freePort()}`;
  const open = (model: string, url: string): Provider =>
    createAnthropicProvider({
      id: `anthropic:${model}`,
      model,
      url,
      apiKey: ANTHROPIC_KEY,
      deadlines: PATIENT,
      clock: machineClock,
    });
  const provider = open(ANTHROPIC_MODEL, relay.url);
  const withoutModel = open('claude-nobody', relay.url);
  const withoutServer = open(ANTHROPIC_MODEL, deadUrl);
  return {
    provider,
    withoutModel,
    withoutServer,
    seeds: false,
    embeds: false,
    countsTokens: true,
    generations: relay.generations,
    async close() {
      await Promise.all([provider, withoutModel, withoutServer].map((it) => it.shutdown()));
      await relay.close();
      await server.close();
    },
  };
});
