import type { LoadedConfig } from '../config/load.ts';
import type { Provider } from '../providers/provider.ts';

/** A provider that answers in place of every target. */
export interface StandIn {
  provider: Provider;
  /** Where the router keeps its records, so that nobody takes them for real ones. */
  state: string;
}

/** The configuration in which a stand-in is the only target, local and alone, and nothing is remembered. */
export function withStandIn(config: LoadedConfig, { provider, state }: StandIn): LoadedConfig {
  const [server = ''] = provider.id.split(':');
  return {
    ...config,
    state,
    servers: { ...config.servers, [server]: { kind: 'ollama', url: 'http://127.0.0.1:9' } },
    tiers: { orchestrated: provider.id, direct: provider.id },
    patterns: { ...config.patterns, cache: 'off' },
  };
}
