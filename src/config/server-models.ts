import { COMPLEXITIES, type Complexity } from '../core/task.ts';

/** An open model that a model server runs (the plan's choice of December 2025, and two for small machines). */
export interface ServerModel {
  id: string;
  title: string;
  /** What Ollama calls it; `ollama pull` takes it. */
  ollamaTag: string;
  /** What vLLM calls it. */
  huggingFace: string;
  /** Other names under which Ollama lists the very same model. */
  aliases: readonly string[];
  /** Parameters in billions. */
  parametersB: number;
  /** Parameters in billions that work on one token, where it is a mixture of experts. */
  activeB?: number;
  /** Approximate size in bytes with 4-bit weights (Q4_K_M), as Ollama's library lists it. */
  approximateBytes: number;
  /** The hardest work it is meant for; absent for one that only stands in where nothing else fits. */
  suits?: Complexity;
}

/** The ablest first. */
export const serverModels: readonly ServerModel[] = [
  {
    id: 'devstral-2',
    title: 'Devstral 2 123B',
    ollamaTag: 'devstral-2',
    huggingFace: 'mistralai/Devstral-2-123B-Instruct-2512',
    aliases: ['devstral-2:123b'],
    parametersB: 123,
    approximateBytes: 75e9,
    suits: 'reasoning',
  },
  {
    id: 'qwen3-coder-30b-a3b',
    title: 'Qwen3-Coder 30B-A3B',
    ollamaTag: 'qwen3-coder:30b',
    huggingFace: 'Qwen/Qwen3-Coder-30B-A3B-Instruct',
    aliases: ['qwen3-coder'],
    parametersB: 30,
    activeB: 3,
    approximateBytes: 19e9,
    suits: 'complex',
  },
  {
    id: 'qwen2.5-coder-32b',
    title: 'Qwen2.5-Coder 32B',
    ollamaTag: 'qwen2.5-coder:32b',
    huggingFace: 'Qwen/Qwen2.5-Coder-32B-Instruct',
    aliases: [],
    parametersB: 32,
    approximateBytes: 20e9,
    suits: 'complex',
  },
  {
    id: 'devstral-small-2',
    title: 'Devstral Small 2 24B',
    ollamaTag: 'devstral-small-2',
    huggingFace: 'mistralai/Devstral-Small-2-24B-Instruct-2512',
    aliases: ['devstral-small-2:24b'],
    parametersB: 24,
    approximateBytes: 15e9,
    suits: 'moderate',
  },
  {
    id: 'rnj-1',
    title: 'Rnj-1 8B',
    ollamaTag: 'rnj-1',
    huggingFace: 'EssentialAI/rnj-1-instruct',
    aliases: ['rnj-1:8b'],
    parametersB: 8,
    approximateBytes: 5.1e9,
    suits: 'simple',
  },
  {
    id: 'qwen2.5-coder-7b',
    title: 'Qwen2.5-Coder 7B',
    ollamaTag: 'qwen2.5-coder:7b',
    huggingFace: 'Qwen/Qwen2.5-Coder-7B-Instruct',
    aliases: ['qwen2.5-coder'],
    parametersB: 7,
    approximateBytes: 4.7e9,
    suits: 'simple',
  },
  {
    id: 'qwen2.5-coder-1.5b',
    title: 'Qwen2.5-Coder 1.5B',
    ollamaTag: 'qwen2.5-coder:1.5b',
    huggingFace: 'Qwen/Qwen2.5-Coder-1.5B-Instruct',
    aliases: [],
    parametersB: 1.5,
    approximateBytes: 0.99e9,
  },
  {
    id: 'qwen2.5-coder-0.5b',
    title: 'Qwen2.5-Coder 0.5B',
    ollamaTag: 'qwen2.5-coder:0.5b',
    huggingFace: 'Qwen/Qwen2.5-Coder-0.5B-Instruct',
    aliases: [],
    parametersB: 0.5,
    approximateBytes: 0.4e9,
  },
];

/** The catalogue's model of that name, be it ours, Ollama's or Hugging Face's. */
export function findServerModel(name: string): ServerModel | undefined {
  const wanted = plain(name);
  return serverModels.find(({ id, ollamaTag, huggingFace, aliases }) =>
    [id, ollamaTag, huggingFace, ...aliases].some((known) => plain(known) === wanted),
  );
}

function plain(name: string): string {
  return name.toLowerCase().replace(/:latest$/, '');
}

/**
 * Approximate memory in bytes to run it with a context of 8,192 tokens: the weights, a seventh of them
 * for the context, and 1.5 GB for the engine.
 */
export function approximateMemoryBytes({ approximateBytes }: ServerModel): number {
  return approximateBytes * 1.15 + 1.5e9;
}

/** What a model server's machine has. */
export interface ServerMachine {
  /** Memory in bytes that a model may take. */
  memoryBytes: number;
  /** Memory in bytes of all its GPUs together; absent without one. */
  vramBytes?: number;
}

/** Whether the whole model has room on the GPUs or, without them, in memory. */
export function fitsMachine(
  model: ServerModel,
  { memoryBytes, vramBytes }: ServerMachine,
): boolean {
  return approximateMemoryBytes(model) <= Math.max(memoryBytes, vramBytes ?? 0);
}

/**
 * The model for work of that complexity: among the installed ones that fit, else among all that fit.
 * One that is meant for just this work goes before an abler one, which costs more time, and that before a lesser one.
 * @returns `undefined` when nothing fits
 */
export function modelForComplexity(
  complexity: Complexity,
  machine: ServerMachine & {
    /** Names as the server lists them; those that the catalogue does not know are left out. */
    installed: readonly string[];
  },
): { model: ServerModel; isInstalled: boolean } | undefined {
  const fitting = serverModels.filter((model) => fitsMachine(model, machine));
  const installed = new Set(machine.installed.map((name) => findServerModel(name)?.id));
  const present = fitting.filter((model) => installed.has(model.id));
  const model = bestFor(complexity, present) ?? bestFor(complexity, fitting);
  return model && { model, isInstalled: installed.has(model.id) };
}

/** @param models the ablest first */
function bestFor(complexity: Complexity, models: readonly ServerModel[]): ServerModel | undefined {
  const wanted = levelOf(complexity);
  return (
    models.find((model) => levelOf(model.suits) === wanted) ??
    models.findLast((model) => levelOf(model.suits) > wanted) ??
    models[0]
  );
}

function levelOf(complexity: Complexity | undefined): number {
  return complexity === undefined ? -1 : COMPLEXITIES.indexOf(complexity);
}
