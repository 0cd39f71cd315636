import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { dirname } from 'node:path';
import { catalogue } from '../../config/catalogue.ts';
import type { CatalogueEntry } from '../../config/catalogue.ts';
import { fitsMachine, serverModels } from '../../config/server-models.ts';
import { AppError, messageOf } from '../../core/errors.ts';
import { formatBytes } from '../bytes.ts';
import { machineOf } from '../gpu.ts';
import type { Gpu } from '../gpu.ts';
import type { Hardware } from '../hardware.ts';
import { modelFolder } from '../model-folder.ts';
import type { Environment, ModelSettings } from '../model-folder.ts';
import { locateModel } from '../provision/ensure-model.ts';
import type { ServerLook } from '../servers/look.ts';
import type { Finding } from './finding.ts';
import { examineNativeModule, nativeModules } from './native-modules.ts';
import { serverFinding } from './servers.ts';

/** Oldest Node that the package's `engines` allow. */
const NODE_FLOOR = { major: 20, minor: 19 };
const KEYS = ['ANTHROPIC_API_KEY', 'OPENAI_API_KEY', 'HF_TOKEN'];

/** The model that `baseline` would use: the catalogue's, or a GGUF file of the user's own. */
export type ConfiguredModel = { entry: CatalogueEntry } | { path: string };

export interface DoctorDeps {
  /** As in `process.version`. */
  nodeVersion: string;
  env: Environment;
  settings: ModelSettings;
  hardware: Hardware;
  gpus: readonly Gpu[];
  /** Asks the configured servers what they have. */
  lookAtServers(): Promise<ServerLook[]>;
  /** Names the tier that strangers' code would run in; throws an AppError where there is none. */
  probeSandbox(): Promise<string>;
  /** Absent when nothing is configured yet. */
  model?: ConfiguredModel;
}

/** What this machine has and lacks, in the order in which a reader needs it. Never throws, never shows a secret. */
export async function examine(deps: DoctorDeps): Promise<Finding[]> {
  const [native, sandbox, model, servers, cache] = await Promise.all([
    Promise.all(nativeModules.map((module) => examineNativeModule(module, deps.env))),
    examineSandbox(deps),
    examineModel(deps),
    deps.lookAtServers(),
    examineCache(deps.settings),
  ]);
  return [
    examineNode(deps.nodeVersion),
    ...native,
    sandbox,
    model,
    ...examineHardware(deps.hardware),
    ...deps.gpus.map(gpuFinding),
    examineServerModels(deps),
    cache,
    ...servers.map(serverFinding),
    ...KEYS.map((name) => examineKey(name, deps.env)),
  ];
}

function examineNode(version: string): Finding {
  const [, major = 0, minor = 0] = (/^v?(\d+)\.(\d+)/.exec(version) ?? []).map(Number);
  const isEnough =
    major > NODE_FLOOR.major || (major === NODE_FLOOR.major && minor >= NODE_FLOOR.minor);
  const base = { id: 'node', title: 'Node', required: true };
  return isEnough
    ? { ...base, state: 'ok', detail: version }
    : {
        ...base,
        state: 'missing',
        detail: `${version} is too old`,
        hint: `Install Node ${NODE_FLOOR.major}.${NODE_FLOOR.minor} or newer.`,
      };
}

async function examineSandbox(deps: DoctorDeps): Promise<Finding> {
  const base = { id: 'sandbox', title: 'Sandbox', required: true };
  try {
    const tier = await deps.probeSandbox();
    return tier === 'unsafe'
      ? { ...base, state: 'warning', detail: 'none: model-written code runs as you' }
      : { ...base, state: 'ok', detail: tier };
  } catch (error) {
    return {
      ...base,
      state: 'missing',
      detail: messageOf(error),
      ...(error instanceof AppError && error.hint !== undefined ? { hint: error.hint } : {}),
    };
  }
}

async function examineModel(deps: DoctorDeps): Promise<Finding> {
  const base = { id: 'model', title: 'Model', required: true };
  const { model, settings } = deps;
  if (model !== undefined && 'path' in model) {
    return (await isAllowed(model.path, constants.R_OK))
      ? { ...base, state: 'ok', detail: model.path }
      : {
          ...base,
          state: 'missing',
          detail: `${model.path} cannot be read`,
          hint: 'Correct the path in the configuration, or run: aqe-llm setup',
        };
  }
  const wanted =
    model === undefined ? catalogue.filter((entry) => !entry.testsOnly) : [model.entry];
  for (const entry of wanted) {
    const found = await locateModel(entry, settings);
    if (found !== undefined) {
      const detail = `${entry.title} at ${found.path}`;
      return model === undefined
        ? {
            ...base,
            state: 'warning',
            detail: `${detail}, not configured yet`,
            hint: 'Run: aqe-llm setup',
          }
        : { ...base, state: 'ok', detail };
    }
  }
  return {
    ...base,
    state: 'missing',
    detail:
      model === undefined
        ? 'none configured and none on this machine'
        : `${model.entry.title} is not on this machine, or its file is damaged`,
    hint: 'Run: aqe-llm setup',
  };
}

function examineHardware(hardware: Hardware): Finding[] {
  const { memory, cores, freeDiskBytes } = hardware;
  const smallest = catalogue
    .filter((entry) => !entry.testsOnly)
    .sort((a, b) => a.bytes - b.bytes)[0];
  const isMemoryShort = memory.availableBytes < (smallest?.memoryBytes ?? 0);
  return [
    {
      id: 'memory',
      title: 'Memory',
      state: isMemoryShort ? 'warning' : 'ok',
      required: false,
      detail: `${formatBytes(memory.availableBytes)} of ${formatBytes(memory.totalBytes)} available`,
      ...(isMemoryShort
        ? {
            hint: 'Too little for any model of the catalogue: free some, or use a smaller GGUF file of your own.',
          }
        : {}),
    },
    {
      id: 'cores',
      title: 'Cores',
      state: cores > 1 ? 'ok' : 'warning',
      required: false,
      detail: String(cores),
      ...(cores > 1 ? {} : { hint: 'Model and grading share one core: expect slow answers.' }),
    },
    {
      id: 'disk',
      title: 'Disk for models',
      state: freeDiskBytes < (smallest?.bytes ?? 0) ? 'warning' : 'ok',
      required: false,
      detail: `${formatBytes(freeDiskBytes)} free`,
    },
  ];
}

function gpuFinding({ name, vramBytes }: Gpu, index: number): Finding {
  return {
    id: `gpu.${index}`,
    title: 'GPU',
    state: 'ok',
    required: false,
    detail: `${name}, ${formatBytes(vramBytes)}`,
  };
}

function examineServerModels({ hardware, gpus }: DoctorDeps): Finding {
  const machine = machineOf(hardware, gpus);
  const fitting = serverModels.filter((model) => fitsMachine(model, machine));
  const base = { id: 'models.fitting', title: 'Models for servers', required: false };
  if (fitting.length === 0) {
    return { ...base, state: 'warning', detail: 'none of the catalogue fits' };
  }
  const names = fitting.map((model) => model.ollamaTag);
  return { ...base, state: 'ok', detail: `fit, by their approximate sizes: ${names.join(', ')}` };
}

async function examineCache(settings: ModelSettings): Promise<Finding> {
  const folder = modelFolder(settings);
  const base = { id: 'cache', title: 'Cache folder', required: true, detail: folder };
  if (await isWritable(folder)) return { ...base, state: 'ok' };
  return {
    ...base,
    state: 'warning',
    detail: `${folder} cannot be written`,
    hint: 'Name another folder with AQE_LLM_CACHE.',
  };
}

/** Whether the folder, or the nearest parent in which it would be made, may be written. */
async function isWritable(folder: string): Promise<boolean> {
  for (let path = folder; ; path = dirname(path)) {
    if (await isAllowed(path, constants.F_OK))
      return isAllowed(path, constants.W_OK | constants.X_OK);
    if (dirname(path) === path) return false;
  }
}

async function isAllowed(path: string, mode: number): Promise<boolean> {
  try {
    await access(path, mode);
    return true;
  } catch {
    return false;
  }
}

function examineKey(name: string, env: Environment): Finding {
  const isSet = (env[name] ?? '') !== '';
  return {
    id: `key.${name}`,
    title: name,
    state: isSet ? 'ok' : 'missing',
    required: false,
    detail: isSet ? 'set' : 'not set',
  };
}
