import { existsSync } from 'node:fs';
import { catalogue } from '../config/catalogue.ts';
import type { ServerConfig } from '../config/schema.ts';
import type { Clock } from '../core/clock.ts';
import { machineOf, readGpus, type Gpu } from './gpu.ts';
import { freeDiskBytes, readHardware, type Hardware } from './hardware.ts';
import { modelFolder, type Environment, type ModelSettings } from './model-folder.ts';
import { listModels, type ListedModel } from './model-list.ts';
import { locateModel } from './provision/ensure-model.ts';
import { checkAnthropicKey, type KeyCheck } from './servers/anthropic-key.ts';
import { lookAtServer, lookAtServers, type ModelServer, type ServerLook } from './servers/look.ts';
import { pullModel, type PullEvent } from './servers/ollama-pull.ts';

export interface SetupDeps {
  servers: Readonly<Record<string, ServerConfig>>;
  settings: ModelSettings;
  env: Environment;
  fetch: typeof fetch;
  clock: Clock;
}

/** What was found on this machine and on the configured servers. */
export interface Survey {
  hardware: Hardware;
  gpus: readonly Gpu[];
  looks: readonly ServerLook[];
  models: readonly ListedModel[];
}

/** What `setup` does outside the program. */
export interface SetupTools {
  survey(): Promise<Survey>;
  lookAtServers(): Promise<ServerLook[]>;
  lookAtServer(name: string, server: ModelServer): Promise<ServerLook>;
  /** What runs at an address that is not configured yet; `undefined` when nothing known answers. */
  identify(url: string): Promise<ModelServer | undefined>;
  /** Has an Ollama server fetch a model, where its disk has room. Throws as `pullModel` does. */
  pull(url: string, model: string, signal: AbortSignal): AsyncIterable<PullEvent>;
  /** `undefined` when no key is set. */
  checkKey(server: Extract<ServerConfig, { kind: 'anthropic' }>): Promise<KeyCheck | undefined>;
}

export function createSetupTools(deps: SetupDeps): SetupTools {
  const { servers, settings, env } = deps;
  return {
    survey: async () => {
      const [hardware, gpus, looks, present] = await Promise.all([
        readHardware(modelFolder(settings)),
        readGpus(env),
        lookAtServers(servers, deps),
        presentFiles(settings),
      ]);
      const machine = machineOf(hardware, gpus);
      return {
        hardware,
        gpus,
        looks,
        models: listModels({ files: catalogue, present, machine, looks }),
      };
    },
    lookAtServers: () => lookAtServers(servers, deps),
    lookAtServer: (name, server) => lookAtServer(name, server, deps),
    identify: async (url) => {
      const ollama: ModelServer = { kind: 'ollama', url };
      if ((await lookAtServer('', ollama, deps)).state === 'up') return ollama;
      const other: ModelServer = { kind: 'openai-compatible', url };
      const { state } = await lookAtServer('', other, deps);
      return state === 'absent' || state === 'stranger' ? undefined : other;
    },
    pull: async function* (url, model, signal) {
      const free = await freeBytesOf(url, settings);
      const room = free === undefined ? {} : { freeDiskBytes: free };
      yield* pullModel(url, model, { ...deps, ...room }, signal);
    },
    checkKey: async ({ url, apiKeyEnv }) => {
      const key = env[apiKeyEnv]?.trim();
      return key ? checkAnthropicKey(url, key, deps) : undefined;
    },
  };
}

async function presentFiles(settings: ModelSettings): Promise<Set<string>> {
  const present = new Set<string>();
  for (const entry of catalogue) {
    if ((await locateModel(entry, settings)) !== undefined) present.add(entry.id);
  }
  return present;
}

/** Free room where an Ollama of this machine most likely keeps its models; `undefined` for another machine's. */
async function freeBytesOf(url: string, settings: ModelSettings): Promise<number | undefined> {
  const host = new URL(url).hostname;
  if (!/^(localhost|127\.[\d.]+|\[::1\])$/.test(host)) return undefined;
  const folder = settings.ollamaFolders.find((candidate) => existsSync(candidate));
  return freeDiskBytes(folder ?? settings.cacheFolder);
}
