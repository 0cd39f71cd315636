import type { Config, ServerConfig } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import type { Provider } from './provider.ts';

export interface ServedModel {
  /** The server's name in the configuration. */
  name: string;
  server: ServerConfig;
  /** As the server calls it. */
  model: string;
  /**
   * Whether llama-server may take a prompt's beginning from the request before (it does by default).
   * The rounding then differs, and equal requests may get other texts.
   */
  cachePrompt?: boolean;
}

export interface ServerDeps {
  deadlines: Config['deadlines'];
  env: Readonly<Record<string, string | undefined>>;
  clock: Clock;
}

/** A provider for a model of a server. Nothing is sent yet. */
export async function openServer(
  { name, server, model, cachePrompt }: ServedModel,
  { deadlines, env, clock }: ServerDeps,
): Promise<Provider> {
  const common = { id: `${name}:${model}`, model, url: server.url, deadlines, clock };
  // Each kind is loaded when one of it is opened: no command waits for what it does not use.
  switch (server.kind) {
    case 'ollama': {
      const { createOllamaProvider } = await import('./ollama/ollama-provider.ts');
      const { contextTokens, keepAlive } = server;
      return createOllamaProvider({ ...common, contextTokens, keepAlive });
    }
    case 'openai-compatible': {
      const { createOpenAiCompatibleProvider } =
        await import('./openai-compatible/openai-compatible-provider.ts');
      const apiKey = server.apiKeyEnv === undefined ? undefined : env[server.apiKeyEnv];
      return createOpenAiCompatibleProvider({ ...common, apiKey, cachePrompt });
    }
    case 'anthropic': {
      const { createAnthropicProvider } = await import('./anthropic/anthropic-provider.ts');
      return createAnthropicProvider({ ...common, apiKey: env[server.apiKeyEnv] });
    }
  }
}
