import type { LoadedConfig } from '../config/load.ts';
import type { RandomIndex } from '../core/random.ts';
import type { Charges } from '../ledger/charge.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { createAnthropicBatches } from '../providers/anthropic/batches.ts';
import type { ServerDeps } from '../providers/open-server.ts';
import type { BatchOptions } from '../routing/batch.ts';
import { completionRequest } from '../routing/intake.ts';
import { splitSpec } from '../routing/targets.ts';

/** What a batch needs to send requests that may wait to a provider's own batches. */
export function openConvenience(
  { servers, routing }: Pick<LoadedConfig, 'servers' | 'routing'>,
  { env, ...deps }: ServerDeps & { random: RandomIndex; ledger: Ledger; charges: Charges },
): Omit<BatchOptions['convenience'], 'enabled'> {
  const { deadlines, clock, random, ledger, charges } = deps;
  return {
    ledger,
    charges,
    fill: (request) => completionRequest(request, routing, random),
    batchesOf(target) {
      const { server: name, model } = splitSpec(target);
      const server = servers[name];
      if (server?.kind !== 'anthropic') return undefined;
      const apiKey = env[server.apiKeyEnv];
      return createAnthropicBatches({ model, url: server.url, apiKey, deadlines, clock });
    },
  };
}
