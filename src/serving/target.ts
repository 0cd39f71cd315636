import type { Provider } from '../providers/provider.ts';
import type { ServerKind } from './probe/facts.ts';
import type { TargetReport } from './result.ts';

/** What is to be checked. */
export interface Target {
  tier: TargetReport['tier'];
  /** How a person names it: `ollama:qwen2.5-coder:7b`, or an address. */
  name: string;
  /** Base address; null for what needs none. */
  url: string | null;
  apiKey?: string | undefined;
  /** Chosen among what the server has when null. */
  model: string | null;
}

/** Opens the provider that answers for a target, once its server and model are known. */
export type OpenTarget = (target: Target, kind: ServerKind, model: string) => Promise<Provider>;
