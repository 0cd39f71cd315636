import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { CatalogueEntry } from '../../../src/config/catalogue.ts';
import type { Clock } from '../../../src/core/clock.ts';
import type { ModelSettings } from '../../../src/setup/model-folder.ts';
import { ensureModel } from '../../../src/setup/provision/ensure-model.ts';
import type { ProvisionOptions } from '../../../src/setup/provision/ensure-model.ts';
import type { ProvisionDeps } from '../../../src/setup/provision/model-search.ts';
import type { ProvisionEvent } from '../../../src/setup/provision/provision-event.ts';
import { temporaryFolder } from '../temporary-folder.ts';

/** A clock that sleeps 50 times faster, so that pauses between tries do not slow a test. */
const quickClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: (ms, signal) => sleep(ms / 50, undefined, signal === undefined ? {} : { signal }),
};

/** Bytes that do not compress and differ by seed. */
export function bytesOf(length: number, seed = 'model'): Buffer {
  const blocks: Buffer[] = [];
  for (let size = 0; size < length; size += 32) {
    blocks.push(createHash('sha256').update(`${seed} ${size}`).digest());
  }
  return Buffer.concat(blocks).subarray(0, length);
}

export const content = bytesOf(300_000);

/** Stands for the bytes in a comparison: `expect` compares buffers element by element, which takes seconds. */
export function sha256Of(data: Buffer): string {
  return createHash('sha256').update(data).digest('hex');
}

/** A catalogue entry for `data`, in three packages. */
export function entryFor(data: Buffer): CatalogueEntry {
  return {
    id: 'tiny',
    title: 'Tiny',
    license: 'MIT',
    fileName: 'tiny.gguf',
    bytes: data.length,
    sha256: sha256Of(data),
    huggingFace: { repo: 'org/tiny-GGUF', file: 'tiny-q4.gguf' },
    pythonPackages: [1, 2, 3].map((n) => ({
      name: `tiny-part${n}`,
      version: '0.1.0',
      member: `tiny_part${n}/data/part.bin`,
    })),
    memoryBytes: 1_000_000,
    isDefault: true,
    testsOnly: false,
  };
}

export interface Bench {
  deps: ProvisionDeps;
  settings: ModelSettings;
  /** Where the finished file belongs. */
  target: string;
}

/** Real folders and a real network; pip answers that it is not there, and Hugging Face is off, unless told otherwise. */
export async function bench(
  overrides: Partial<ProvisionDeps> = {},
  huggingFace: Partial<ModelSettings['huggingFace']> = { offline: true },
): Promise<Bench> {
  const folder = await temporaryFolder();
  const settings: ModelSettings = {
    cacheFolder: join(folder, 'cache'),
    ollamaFolders: [join(folder, 'ollama')],
    huggingFace: {
      endpoint: 'http://127.0.0.1:9',
      offline: false,
      cacheFolder: join(folder, 'hub'),
      ...huggingFace,
    },
  };
  const deps: ProvisionDeps = {
    settings,
    fetch,
    clock: quickClock,
    runPip: async () => ({ state: 'absent', reason: 'no Python here' }),
    freeDiskBytes: async () => 1e12,
    ...overrides,
  };
  return { deps, settings, target: join(settings.cacheFolder, 'models', 'tiny.gguf') };
}

export interface Outcome {
  events: ProvisionEvent[];
  /** What was thrown, if anything. */
  error: unknown;
}

/** Runs to the end and keeps everything that came. */
export async function provision(
  entry: CatalogueEntry,
  deps: ProvisionDeps,
  options: ProvisionOptions = {},
): Promise<Outcome> {
  const events: ProvisionEvent[] = [];
  try {
    for await (const event of ensureModel(entry, deps, options)) events.push(event);
    return { events, error: undefined };
  } catch (error) {
    return { events, error };
  }
}

/** The reasons for which sources failed, as `source: reason`. */
export function failuresOf({ events }: Outcome): string[] {
  return events.flatMap((event) =>
    event.type === 'source-failed' ? [`${event.source}: ${event.reason}`] : [],
  );
}
