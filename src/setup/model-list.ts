import type { CatalogueEntry } from '../config/catalogue.ts';
import {
  approximateMemoryBytes,
  findServerModel,
  fitsMachine,
  modelForComplexity,
  serverModels,
  type ServerMachine,
} from '../config/server-models.ts';
import type { Complexity } from '../core/task.ts';
import type { ServerLook } from './servers/look.ts';

/** One model that could answer here, for people and machines. */
export interface ListedModel {
  /** What `setup models` takes to fetch it. */
  name: string;
  title: string;
  /** `file`: a GGUF file that this program runs itself; `server`: a model server runs it. */
  runs: 'file' | 'server';
  /** Of its files; absent where a server does not say. */
  bytes?: number;
  /** To run it; absent for a model that the catalogue does not know. */
  memoryBytes?: number;
  /** Whether sizes are from the catalogue of server models, and so rounded and 4-bit. */
  isApproximate: boolean;
  /** Hardest work it is meant for, where the catalogue says so. */
  suits?: Complexity;
  /** Whether this machine has room for it; absent where that is not known. */
  fits?: boolean;
  /** Where it is: `file`, or names of servers. */
  installed: readonly string[];
  /** What to fetch here for ordinary work. */
  isRecommended: boolean;
}

export interface ModelListFacts {
  /** GGUF files of the catalogue. */
  files: readonly CatalogueEntry[];
  /** Ids of those that are on this machine. */
  present: ReadonlySet<string>;
  machine: ServerMachine;
  looks: readonly ServerLook[];
}

/** The catalogue's files and server models, and after them what else the servers have. */
export function listModels(facts: ModelListFacts): ListedModel[] {
  const served = facts.looks.flatMap((look) =>
    look.state === 'up' ? look.models.map((model) => ({ ...model, server: look.name })) : [],
  );
  // Without a GPU, what fits is not what answers in good time.
  const usual: Complexity = facts.machine.vramBytes === undefined ? 'simple' : 'moderate';
  const recommended = modelForComplexity(usual, { ...facts.machine, installed: [] })?.model;
  const files = facts.files
    .filter((entry) => !entry.testsOnly)
    .map((entry): ListedModel => ({
      name: entry.id,
      title: entry.title,
      runs: 'file',
      bytes: entry.bytes,
      memoryBytes: entry.memoryBytes,
      isApproximate: false,
      fits: entry.memoryBytes <= facts.machine.memoryBytes,
      installed: facts.present.has(entry.id) ? ['file'] : [],
      isRecommended: false,
    }));
  const known = serverModels.map((model): ListedModel => ({
    name: model.ollamaTag,
    title: model.title,
    runs: 'server',
    bytes: model.approximateBytes,
    memoryBytes: approximateMemoryBytes(model),
    isApproximate: true,
    ...(model.suits === undefined ? {} : { suits: model.suits }),
    fits: fitsMachine(model, facts.machine),
    installed: served
      .filter(({ name }) => findServerModel(name) === model)
      .map(({ server }) => server),
    isRecommended: model === recommended,
  }));
  const others = served
    .filter(({ name }) => findServerModel(name) === undefined)
    .map(({ name, bytes, server }): ListedModel => ({
      name,
      title: name,
      runs: 'server',
      ...(bytes === undefined ? {} : { bytes }),
      isApproximate: false,
      installed: [server],
      isRecommended: false,
    }));
  return [...files, ...known, ...others];
}

/** What to ask Ollama for: our own and Hugging Face's names become its tag, any other name is its own. */
export function ollamaTagOf(name: string): string {
  const known = findServerModel(name);
  return known !== undefined && (name === known.id || name === known.huggingFace)
    ? known.ollamaTag
    : name;
}
