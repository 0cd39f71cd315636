import { isAbsolute, join, resolve } from 'node:path';
import envPaths from 'env-paths';
import type { CatalogueEntry } from '../config/catalogue.ts';

/** What the environment says about where models may be found and fetched. */
export interface ModelSettings {
  /** Absolute folder that all projects of a user share. */
  cacheFolder: string;
  huggingFace: {
    /** Address without a slash at its end. */
    endpoint: string;
    /** Sent as bearer token to the endpoint's own origin and nowhere else. */
    token?: string;
    /** True when the user forbade downloads from there. */
    offline: boolean;
    /** Folder of `models--<org>--<name>` folders. */
    cacheFolder: string;
  };
  /** Folders in which Ollama may keep its blobs, the user's own first. */
  ollamaFolders: readonly string[];
}

export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads AQE_LLM_CACHE, HF_ENDPOINT, HF_TOKEN, HF_HUB_OFFLINE, HF_HUB_CACHE, HF_HOME, XDG_CACHE_HOME and OLLAMA_MODELS.
 * An empty variable counts as absent.
 */
export function modelSettings(env: Environment, homeFolder: string): ModelSettings {
  const token = env['HF_TOKEN']?.trim();
  const xdgCache = absolute(env['XDG_CACHE_HOME']) ?? join(homeFolder, '.cache');
  const huggingFaceHome = env['HF_HOME'] || join(xdgCache, 'huggingface');
  return {
    cacheFolder: cacheFolder(homeFolder, env['AQE_LLM_CACHE']),
    huggingFace: {
      endpoint: (env['HF_ENDPOINT'] || 'https://huggingface.co').replace(/\/+$/, ''),
      ...(token ? { token } : {}),
      offline: /^(1|on|yes|true)$/i.test(env['HF_HUB_OFFLINE'] ?? ''),
      cacheFolder: resolve(env['HF_HUB_CACHE'] || join(huggingFaceHome, 'hub')),
    },
    ollamaFolders: [
      ...(env['OLLAMA_MODELS'] ? [env['OLLAMA_MODELS']] : []),
      join(homeFolder, '.ollama', 'models'),
      // The service that Ollama's installer sets up on Linux has a home of its own.
      '/usr/share/ollama/.ollama/models',
    ],
  };
}

/** The user's shared cache by the platform's rules (XDG on Linux); `override` (AQE_LLM_CACHE) comes first. */
function cacheFolder(homeFolder: string, override: string | undefined): string {
  if (override) return resolve(override);
  const folder = envPaths('aqe-llm', { suffix: '' }).cache;
  // The XDG rules say that a relative XDG_CACHE_HOME is to be ignored.
  return absolute(folder) ?? join(homeFolder, '.cache', 'aqe-llm');
}

function absolute(path: string | undefined): string | undefined {
  return path !== undefined && isAbsolute(path) ? path : undefined;
}

/** Where the catalogue's models are kept. */
export function modelFolder(settings: ModelSettings): string {
  return join(settings.cacheFolder, 'models');
}

/** Where this model's file lies once it is fetched and checked. */
export function modelPath(settings: ModelSettings, entry: CatalogueEntry): string {
  return join(modelFolder(settings), entry.fileName);
}
